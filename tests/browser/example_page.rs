//! Tests of every button of the example's page, with Clerk's own JavaScript and without.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use example_app::page::FrontEnd;
use serde_json::{Value, json};

use crate::browser::{BrowserProfile, Page};
use crate::world::World;

/// The helper functions of this test, which are not part of the page.
const HELPERS: &str = "
    const button = (text) => [...document.querySelectorAll('button')]
        .find((it) => (it.getAttribute('aria-label') ?? it.textContent) === text);
    const wait = async (what, condition) => {
        const deadline = performance.now() + 20000;
        for (;;) {
            const value = await condition();
            if (value) return value;
            if (performance.now() > deadline) throw new Error('never: ' + what);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    };
    const rows = () => [...document.querySelectorAll('#timeline tr')]
        .map((row) => [...row.cells].slice(0, 4).map((cell) => cell.textContent));
    const press = async (text) => {
        const before = rows().length;
        button(text).click();
        await wait('an answer', () => rows().length > before);
        await wait('the end of ' + text, () => !document.querySelector('button:disabled'));
        return rows().slice(0, rows().length - before).reverse();
    };
    const fill = (values) => {
        const form = document.getElementById('sign-in');
        for (const [name, value] of Object.entries(values)) {
            form.elements[name].value = value;
        }
    };";

async fn start(scenario: &'static str, has_clerk_js: bool) -> World {
    World::start_page(scenario, |stand_in| FrontEnd::stand_in(stand_in, has_clerk_js)).await
}

async fn open(world: &World, profile: &BrowserProfile) -> Page {
    let page = profile.open(&format!("{}/", world.origin)).await;
    run(
        &page,
        "await wait('the page is ready', () => document.body.dataset.ready)",
    )
    .await;
    page
}

async fn run(page: &Page, script: &str) -> Value {
    page.run(&format!("{HELPERS}{script}")).await
}

/// Presses a button, and returns the status and sync of each line of the timeline that has one.
async fn press(page: &Page, text: &str) -> Vec<(String, String)> {
    let rows = run(page, &format!("return press({})", json!(text))).await;
    let rows = rows.as_array().expect("rows").iter();
    let text = |cell: &Value| cell.as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text(&row[2]), text(&row[3]))).collect()
}

fn answers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(status, sync)| ((*status).to_owned(), (*sync).to_owned()))
        .collect()
}

/// Presses every button in the order of a first visit.
async fn every_button(page: &Page) {
    let sign_in = |values: Value| format!("fill({values}); return null");
    run(
        page,
        &sign_in(json!({ "user_id": "user_grace", "first_name": "Grace", "role": "org:admin" })),
    )
    .await;
    assert_eq!(
        press(page, "Sign in").await,
        answers(&[("", ""), ("200", "inserted")])
    );
    let is_equal = "return document.getElementById('age').textContent";
    assert!(
        run(page, is_equal)
            .await
            .as_str()
            .is_some_and(|text| text.starts_with("They agree"))
    );
    for (button, expected) in [
        ("GET /api/me", &[("200", "unchanged")][..]),
        ("GET /api/session", &[("200", "")]),
        ("GET /api/greeting", &[("200", "")]),
        ("GET /api/admin/users", &[("200", "")]),
        ("POST /api/notes", &[("201", "")]),
        ("GET /api/notes", &[("200", "")]),
        ("GET /api/organization", &[("200", "")]),
    ] {
        assert_eq!(press(page, button).await, answers(expected), "{button}");
    }
    let tabs = press(page, "A new user, two tabs at once").await;
    assert_eq!(
        tabs.iter().filter(|(_, sync)| sync == "inserted").count(),
        1,
        "{tabs:?}"
    );
    assert!(
        tabs.len() == 4 && tabs.iter().all(|(status, _)| status == "200"),
        "{tabs:?}"
    );
    for (button, last) in [
        ("An edit at Clerk, and its webhook", "200"),
        ("An edge token against a newer webhook", "200"),
        ("A webhook that comes too late", "200"),
    ] {
        let lines = press(page, button).await;
        assert_eq!(
            lines.last().map(|(status, _)| status.as_str()),
            Some(last),
            "{button}: {lines:?}"
        );
        assert!(
            lines.iter().all(|(_, sync)| sync != "updated"),
            "{button}: {lines:?}"
        );
    }
    // The token is older than the row.
    assert!(
        run(page, is_equal)
            .await
            .as_str()
            .is_some_and(|text| text.starts_with("They differ"))
    );
    for (user, button) in [
        ("user_hopper", "The server ends the session"),
        ("user_hamilton", "A ban, and its end"),
        ("user_noether", "A deletion"),
    ] {
        run(
            page,
            &sign_in(json!({ "user_id": user, "first_name": "Hopper", "role": "" })),
        )
        .await;
        assert_eq!(
            press(page, "Sign in").await,
            answers(&[("", ""), ("200", "inserted")])
        );
        assert_eq!(press(page, "GET /api/admin/users").await, answers(&[("403", "")]));
        let lines = press(page, button).await;
        assert!(
            lines.contains(&("401".to_owned(), String::new())),
            "{button}: {lines:?}"
        );
        let label = run(
            page,
            "return document.querySelector('#people [aria-pressed=true]').textContent",
        )
        .await;
        assert!(
            label.as_str().is_some_and(|label| label.contains("user_grace")),
            "{button}: {label}"
        );
    }
    assert_eq!(
        press(page, "Sign in").await,
        answers(&[("–", "")]),
        "the user was deleted"
    );
    assert_eq!(press(page, "Sign out: user_grace").await, answers(&[("", "")]));
    assert_eq!(press(page, "GET /api/me").await, answers(&[("401", "")]));
    assert_eq!(
        press(page, "A deletion").await,
        answers(&[("–", "")]),
        "nobody is signed in"
    );
}

#[tokio::test]
async fn every_button_works_with_clerks_own_javascript() {
    let world = start("example_page", true).await;
    let profile = BrowserProfile::new();
    let page = open(&world, &profile).await;
    let mode = "return document.getElementById('mode').textContent";
    assert!(
        run(&page, mode)
            .await
            .as_str()
            .is_some_and(|mode| mode.contains("Clerk's own"))
    );
    every_button(&page).await;

    // A second tab shows the signed-in user, and a sign-out there reaches the first tab.
    run(
        &page,
        "fill({ user_id: 'user_grace', first_name: 'Grace', role: 'org:admin' }); return press('Sign in')",
    )
    .await;
    let second = open(&world, &profile).await;
    let people = "return [...document.querySelectorAll('#people .who')].map((it) => it.textContent)";
    assert_eq!(
        run(&second, people).await,
        json!(["Grace (user_grace, in an organization)"])
    );
    press(&second, "An edit at Clerk, and its webhook").await;
    for (name, tab) in [("first", &page), ("second", &second)] {
        for (width, is_dark) in [(1200, false), (1200, true), (390, false)] {
            let theme = if is_dark { "dark" } else { "light" };
            let file = tab
                .screenshot(&format!("{name}-tab-{width}-{theme}"), width, is_dark)
                .await;
            assert!(file.is_file());
        }
    }
    let overflow = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(
        page.run(overflow).await,
        false,
        "at the width of a phone, the page does not scroll sideways"
    );
    press(&second, "Sign out: user_grace").await;
    run(
        &page,
        "await wait('the sign-out arrives', () => !document.querySelector('#people li'))",
    )
    .await;
    profile.close().await;
}

#[tokio::test]
async fn every_button_works_without_clerks_javascript() {
    let world = start("example_page_without_script", false).await;
    let profile = BrowserProfile::new();
    let page = open(&world, &profile).await;
    every_button(&page).await;
    profile.close().await;
}

/// Returns the visible text of an element.
async fn text(page: &Page, id: &str) -> String {
    let script = format!("return document.getElementById('{id}').innerText");
    let text = run(page, &script).await;
    text.as_str().expect("a text").to_owned()
}

/// Presses every button of the organization page. Two people are members, and one of them loses the role, and then the
/// membership.
async fn every_button_of_the_organization(page: &Page, pictures: &str) {
    let lines = press(page, "Two people of one organization").await;
    let read = ("200".to_owned(), String::new());
    assert_eq!(lines.iter().filter(|line| **line == read).count(), 2, "{lines:?}");
    assert!(
        text(page, "organization-state")
            .await
            .contains("user_ada is org:admin")
    );
    assert!(text(page, "members").await.contains("org:member"));

    let note = "document.querySelector('#organization-note input').value = 'the door code'; return null";
    run(page, note).await;
    assert_eq!(press(page, "Write a note").await, answers(&[("201", "")]));
    assert_eq!(text(page, "organization-notes").await, "the door code");

    // The other member can read the note, and cannot write one.
    let choose = "return press([...document.querySelectorAll('.who')].find((it) => it.textContent.startsWith('Bob')).textContent)";
    run(page, choose).await;
    run(page, "await wait('Bob', () => document.getElementById('organization-state').textContent.includes('user_bob is org:member')); return null").await;
    assert_eq!(text(page, "organization-notes").await, "the door code");
    run(page, note).await;
    assert_eq!(press(page, "Write a note").await, answers(&[("403", "")]));

    let lines = press(page, "Rename the organization").await;
    assert_eq!(lines, answers(&[("200", ""), ("200", "")]));
    assert!(
        text(page, "organization-state")
            .await
            .starts_with("Acme & Daughters")
    );

    // The role of the webhook also applies to an earlier token, in both directions.
    let lines = press(page, "Make administrator: user_bob").await;
    assert_eq!(lines, answers(&[("200", ""), ("200", ""), ("201", "")]));
    let lines = press(page, "Make member: user_bob").await;
    assert_eq!(lines, answers(&[("200", ""), ("200", ""), ("403", "")]));
    // The page also shows the change of the other person.
    let lines = press(page, "Make member: user_ada").await;
    assert_eq!(lines, answers(&[("200", ""), ("200", ""), ("403", "")]));
    for (width, is_dark) in [(1200, false), (1200, true), (390, false)] {
        let theme = if is_dark { "dark" } else { "light" };
        let name = format!("{pictures}-{width}-{theme}");
        assert!(page.screenshot(&name, width, is_dark).await.is_file());
    }
    let overflow = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(
        page.run(overflow).await,
        false,
        "a phone does not scroll sideways"
    );
    assert!(text(page, "members").await.contains("org:member"));

    let lines = press(page, "Remove: user_bob").await;
    assert_eq!(
        lines,
        answers(&[("200", ""), ("403", ""), ("200", "unchanged")]),
        "the personal page stays"
    );
    assert!(
        text(page, "organization-state")
            .await
            .contains("403 organization_changed")
    );
    for (width, is_dark) in [(1200, false), (390, true)] {
        let file = page
            .screenshot(&format!("{pictures}-removed-{width}"), width, is_dark)
            .await;
        assert!(file.is_file());
    }
}

#[tokio::test]
async fn every_button_of_the_organization_works_with_clerks_own_javascript() {
    let world = start("organization_page", true).await;
    let profile = BrowserProfile::new();
    let page = open(&world, &profile).await;
    every_button_of_the_organization(&page, "organization").await;
    profile.close().await;
}

#[tokio::test]
async fn every_button_of_the_organization_works_without_clerks_javascript() {
    let world = start("organization_page_without_script", false).await;
    let profile = BrowserProfile::new();
    let page = open(&world, &profile).await;
    every_button_of_the_organization(&page, "organization-without-script").await;
    profile.close().await;
}

/// While the database is unreachable, a route without a row answers. Others are refused within their time limit, and
/// later at once.
#[tokio::test]
async fn database_that_stops_is_shown_and_comes_back() {
    let world = start("outage", false).await;
    let profile = BrowserProfile::new();
    let page = open(&world, &profile).await;
    press(&page, "Sign in").await;
    let lines = press(&page, "A database that stops").await;
    let refused = ("503", "");
    assert_eq!(
        lines,
        answers(&[
            ("200", "unchanged"),
            ("204", ""),
            ("200", ""),
            refused,
            refused,
            refused,
            refused,
            ("200", "unchanged"),
        ])
    );
    profile.close().await;
}

/// With the keys of a real instance, the page loads Clerk's JavaScript from the host in the publishable key. The page
/// shows no control of the stand-in.
#[tokio::test]
async fn page_of_a_real_instance_loads_clerks_javascript_from_its_host() {
    let host = "foo-bar-13.clerk.accounts.dev";
    let key = format!("pk_test_{}", STANDARD_NO_PAD.encode(format!("{host}$")));
    let path = "/npm/@clerk/clerk-js@6/dist/clerk.browser.js";
    for (scenario, proxy, source) in [
        ("real_keys", None, format!("https://{host}{path}")),
        (
            "real_keys_and_proxy",
            Some("https://app.example.com/__clerk"),
            format!("https://app.example.com/__clerk{path}"),
        ),
    ] {
        let front_end = FrontEnd::clerk(key.clone(), proxy.map(str::to_owned));
        let world = World::start_page(scenario, |_| front_end).await;
        let profile = BrowserProfile::new();
        let page = open(&world, &profile).await;
        let script = "const it = document.querySelector('script[data-clerk-publishable-key]'); \
                      return [it.src, it.dataset.clerkPublishableKey, it.dataset.clerkProxyUrl ?? null]";
        assert_eq!(run(&page, script).await, json!([source, key, proxy]));
        // The browser of the tests cannot reach other machines.
        assert!(text(&page, "mode").await.contains("could not be loaded"));
        let is_shown =
            "return ['sign-in', 'redirect', 'trials'].filter((id) => !document.getElementById(id).hidden)";
        assert_eq!(run(&page, is_shown).await, json!([]));
        profile.close().await;
    }
}
