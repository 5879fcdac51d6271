//! The example's page: every button, with Clerk's own JavaScript and without.

use clerk_auth_tests::random_hex;
use example_app::page::FrontEnd;
use serde_json::{Value, json};

use crate::browser::{BrowserProfile, Page};
use crate::world::World;

/// The helpers of this test, which the page does not have.
const HELPERS: &str = "
    const button = (text) => [...document.querySelectorAll('button')].find((it) => it.textContent === text);
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
            if (typeof value === 'boolean') form.elements[name].checked = value;
            else form.elements[name].value = value;
        }
    };";

async fn start(scenario: &'static str, has_clerk_js: bool) -> World {
    World::start_with(scenario, |stand_in| stand_in, |router| router, Some(has_clerk_js)).await
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

/// The answers of a button: status and sync of each line of the timeline that has one.
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
        &sign_in(json!({ "user_id": "user_grace", "first_name": "Grace", "admin": true })),
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
            &sign_in(json!({ "user_id": user, "first_name": "Hopper", "admin": false })),
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
    assert_eq!(press(page, "Sign out").await, answers(&[("", "")]));
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

    // A second tab knows who is signed in, and a sign-out there reaches the first.
    run(
        &page,
        "fill({ user_id: 'user_grace', first_name: 'Grace', admin: true }); return press('Sign in')",
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
    press(&second, "Sign out").await;
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

/// With a real key, the page looks for Clerk's JavaScript at the host that the key contains.
#[test]
fn page_of_a_real_instance_uses_its_key() {
    let key = format!("pk_test_{}", random_hex(8));
    let front_end = serde_json::to_value(FrontEnd::clerk(key.clone(), None)).expect("JSON");
    assert_eq!(
        front_end,
        json!({ "mode": "clerk", "publishable_key": key, "proxy_url": null, "has_clerk_js": true })
    );
}
