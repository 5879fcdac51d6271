//! Events about memberships during other faults: processes, connections, memory, and the event itself.

use std::fmt::Write;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::routing::get;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::UserSyncBuilder;
use clerk_auth::testing::{SessionToken, SignedDelivery, event, membership_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, Session, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, token};
use clerk_auth_tests::proxy::Proxy;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::denials::events::{refusal, start, until};
use crate::memberships::events::{AS_CLAIMED, SECRET, admin, apply, around, delivery, holds, member, send};
use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    removed_member_keeps_the_personal_pages_in_both_processes,
    another_process_corrects_within_seconds,
    restart_without_the_table_forgets,
    end_applies_although_the_hook_fails,
    metadata_that_a_user_wrote_hides_no_end,
    event_without_a_user_ends_what_older_tokens_claim_of_the_organization,
    event_that_is_older_than_every_token_changes_nothing,
    many_memberships_displace_no_ban,
);

#[derive(Clone, FromRef)]
struct State {
    clerk: Clerk,
    users: UserSync<Profile>,
}

#[authenticated]
async fn me(user: Profile) -> String {
    format!("the profile of {}", user.clerk_id)
}

#[authenticated(role = "org:admin")]
async fn members(session: Session) -> String {
    let organization = session.organization().map(|it| it.id().to_string());
    format!("the members of {}", organization.unwrap_or_default())
}

/// Serves a process on its own port, and returns the address.
async fn serve(profiles: &Profiles) -> String {
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let state = State {
        clerk: profiles.clerk().clone(),
        users: profiles.users.clone(),
    };
    let app = Router::new()
        .route("/me", get(me))
        .route("/members", get(members))
        .route("/webhooks/clerk", webhooks(&profiles.users, verifier))
        .with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// The requests of a client and their answers, one line each.
struct Transcript {
    client: Client,
    lines: String,
}

impl Transcript {
    async fn get(&mut self, process: &str, address: &str, path: &str, user: &str, token: &str) -> String {
        let request = self.client.get(format!("{address}{path}")).bearer_auth(token);
        let response = request.send().await.expect("it answers");
        let status = response.status().as_u16();
        let body = response.text().await.expect("a text");
        let code = serde_json::from_str(&body).ok().and_then(|it: Value| {
            let code = it["code"].as_str()?;
            Some(code.to_owned())
        });
        let answer = format!("{status} {}", code.unwrap_or(body));
        let command = format!("curl -H 'Authorization: Bearer <{user}>' {process}{path}");
        writeln!(self.lines, "$ {command}\n{answer}").expect("memory");
        answer
    }

    async fn deliver(&mut self, process: &str, address: &str, delivery: &SignedDelivery) -> StatusCode {
        let url = format!("{address}/webhooks/clerk");
        let request = self.client.post(url).headers(delivery.headers().clone());
        let response = request.body(delivery.body().to_vec()).send().await;
        let status = response.expect("it answers").status();
        let command = format!("curl -d @organizationMembership.deleted.json {process}/webhooks/clerk");
        writeln!(self.lines, "$ {command}\n{}", status.as_u16()).expect("memory");
        status
    }
}

async fn removed_member_keeps_the_personal_pages_in_both_processes(database: TestDatabase) {
    let (one, other) = (start(&database).await, start(&database).await);
    if !database.is_sqlite() {
        wait_until_listening(&other).await;
    }
    let at = around(&one);
    let sign = |user_id: &str| admin(user_id, at(-5_000)).issued_at(at(-5_000)).sign();
    let (ada, bob) = (sign("user_ada"), sign("user_bob"));
    let mut transcript = Transcript {
        client: Client::new(),
        lines: String::new(),
    };
    let processes = [("one", serve(&one).await), ("other", serve(&other).await)];
    for (process, address) in &processes {
        for (user, token) in [("ada", &ada), ("bob", &bob)] {
            let answer = transcript.get(process, address, "/members", user, token).await;
            assert_eq!(answer, "200 the members of org_1");
        }
    }
    let removed = delivery(
        &one,
        "deleted",
        member("user_bob", "org:admin", &[], at(-9_000)),
        one.clock.now(),
    );
    let status = transcript.deliver("one", &processes[0].1, &removed).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    // The other process reads the table when it is notified, or once a second.
    until("the other process grants the role", async || {
        holds(&other, admin("user_bob", at(-5_000))).await.is_empty()
    })
    .await;
    for (process, address) in &processes {
        for (user, token, path, expected) in [
            ("bob", &bob, "/members", "403 organization_changed"),
            ("bob", &bob, "/me", "200 the profile of user_bob"),
            ("ada", &ada, "/members", "200 the members of org_1"),
        ] {
            let answer = transcript.get(process, address, path, user, token).await;
            assert_eq!(answer, expected, "{}", transcript.lines);
        }
    }
    println!("{}", transcript.lines);
}

async fn another_process_corrects_within_seconds(database: TestDatabase) {
    let (one, other) = (start(&database).await, start(&database).await);
    let at = around(&one);
    let before = || admin("user_ada", at(-20_000));
    for (kind, role, changed_at, expected) in [
        ("updated", "org:member", -15_000, "org:member"),
        ("deleted", "org:member", -10_000, ""),
        ("created", "org:guest", -5_000, "org:guest"),
    ] {
        let data = member("user_ada", role, &[], at(changed_at));
        apply(&one, kind, data, at(changed_at)).await;
        until(kind, async || holds(&other, before()).await == expected).await;
    }
    // Both processes receive events: the newest counts, whichever process it reached.
    let data = member("user_ada", "org:owner", &[], at(-3_000));
    apply(&other, "updated", data, at(-3_000)).await;
    let data = member("user_ada", "org:guest", &[], at(-4_000));
    apply(&one, "updated", data, at(-4_000)).await;
    for process in [&one, &other] {
        until("the newest event wins", async || {
            holds(process, before()).await == "org:owner"
        })
        .await;
    }
}

async fn restart_without_the_table_forgets(database: TestDatabase) {
    let in_memory = async || {
        let pool = Pool::open(database.url(), 5).await;
        Profiles::start_with(
            pool,
            UserSyncBuilder::denials_in_memory,
            UserSyncBuilder::denials_in_memory,
        )
        .await
    };
    let profiles = in_memory().await;
    let at = around(&profiles);
    let removed = || member("user_ada", "org:admin", &[], at(-90_000));
    apply(&profiles, "deleted", removed(), at(-10_000)).await;
    assert_eq!(holds(&profiles, admin("user_ada", at(-20_000))).await, "");
    let restarted = in_memory().await;
    let held = holds(&restarted, admin("user_ada", at(-20_000))).await;
    assert_eq!(held, AS_CLAIMED, "as documented");
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM clerk_denials").await,
        0
    );
}

async fn end_applies_although_the_hook_fails(database: TestDatabase) {
    macro_rules! failing {
        () => {
            |builder| {
                builder.on_event(|_, _| {
                    Box::pin(async move { Err("the hook of this application fails".into()) })
                })
            }
        };
    }
    let pool = Pool::open(database.url(), 5).await;
    let profiles: Profiles = Profiles::start_with(pool, failing!(), failing!()).await;
    let at = around(&profiles);
    let removed = member("user_ada", "org:admin", &[], at(-90_000));
    let removed = delivery(&profiles, "deleted", removed, at(-10_000));
    assert_eq!(send(&profiles, &removed).await, StatusCode::SERVICE_UNAVAILABLE);
    let restarted = start(&database).await;
    for process in [&profiles, &restarted] {
        assert_eq!(holds(process, admin("user_ada", at(-20_000))).await, "");
    }
}

async fn metadata_that_a_user_wrote_hides_no_end(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let deep = format!("{}7{}", "[".repeat(300), "]".repeat(300));
    let now = profiles.clock.now();
    for (number, odd) in [
        r#""\ud800""#,
        r#"{"a":1,"a":2}"#,
        "1e999",
        r#"{"$serde_json::private::RawValue":"x"}"#,
        &deep,
    ]
    .into_iter()
    .enumerate()
    {
        for (kind, expected) in [("updated", "org:member"), ("deleted", "")] {
            let user_id = format!("user_{number}_{kind}");
            let mut data = membership_object(&user_id, "org_1", "org:member", at(-10_000));
            data["public_metadata"] = json!({ "note": "ODD" });
            data["public_user_data"]["first_name"] = "ODD".into();
            data["organization"]["name"] = "ODD".into();
            data["organization"]["public_metadata"] = "ODD".into();
            let event = event(&format!("organizationMembership.{kind}"), data, at(-10_000));
            let body = event.to_string().replace(r#""ODD""#, odd);
            let id = format!("msg_{user_id}");
            let delivery = SignedDelivery::raw(SECRET, &id, &now.as_secs().to_string(), body);
            assert_eq!(
                send(&profiles, &delivery).await,
                StatusCode::NO_CONTENT,
                "{odd:.40}"
            );
            let held = holds(&profiles, admin(&user_id, at(-20_000))).await;
            assert_eq!(held, expected, "{odd:.40}");
        }
    }
}

async fn event_without_a_user_ends_what_older_tokens_claim_of_the_organization(database: TestDatabase) {
    for (kind, user, expected) in [
        ("deleted", Value::Null, ""),
        ("deleted", json!({ "first_name": "Ada" }), ""),
        ("updated", Value::Null, ""),
        ("updated", json!({ "user_id": null }), ""),
        // Older tokens do not contain an organization that the user had not joined yet.
        ("created", Value::Null, AS_CLAIMED),
    ] {
        let database = if database.is_sqlite() {
            TestDatabase::sqlite()
        } else {
            TestDatabase::postgres().await
        };
        let profiles = start(&database).await;
        let at = around(&profiles);
        let mut data = membership_object("user_ada", "org_1", "org:member", at(-10_000));
        data["public_user_data"] = user.clone();
        apply(&profiles, kind, data, at(-10_000)).await;
        let restarted = start(&database).await;
        for process in [&profiles, &restarted] {
            for user_id in ["user_ada", "user_bob"] {
                let held = holds(process, admin(user_id, at(-20_000))).await;
                assert_eq!(held, expected, "{kind} {user}");
                let later = holds(process, admin(user_id, at(-9_000))).await;
                assert_eq!(later, AS_CLAIMED, "{kind} {user}");
            }
            let elsewhere = token("user_ada", "Ada", 1).organization("org_2", "org:member");
            let held = holds(process, elsewhere.claims_read_at(at(-20_000))).await;
            assert_eq!(held, "org:member", "{kind} {user}");
        }
    }
    // A user id of another kind is not Clerk's, and is reported to Clerk.
    let profiles = start(&database).await;
    let at = around(&profiles);
    let mut data = membership_object("user_ada", "org_1", "org:member", at(-10_000));
    data["public_user_data"]["user_id"] = 7.into();
    let delivery = delivery(&profiles, "deleted", data, at(-10_000));
    assert_eq!(send(&profiles, &delivery).await, StatusCode::BAD_REQUEST);
}

/// With times in another unit or in the past, an event is older than the claims of every valid token.
async fn event_that_is_older_than_every_token_changes_nothing(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let old = Timestamp::from_secs(1_600_000_000);
    apply(
        &profiles,
        "deleted",
        member("user_ada", "org:admin", &[], old),
        old,
    )
    .await;
    assert_eq!(holds(&profiles, admin("user_ada", at(-20_000))).await, AS_CLAIMED);
    // Without `updated_at`, the event's own time is the version.
    let mut data = member("user_ada", "org:member", &[], at(-10_000));
    data["updated_at"] = Value::Null;
    apply(&profiles, "updated", data, at(-10_000)).await;
    assert_eq!(
        holds(&profiles, admin("user_ada", at(-20_000))).await,
        "org:member"
    );
}

/// Records more memberships than one process keeps, each newer than a ban.
async fn many_memberships_displace_no_ban(database: TestDatabase) {
    const MEMBERSHIPS: i64 = 66_000;
    let profiles = start(&database).await;
    let at = around(&profiles);
    let mut banned = user_object("user_eve", at(-3_600_000));
    banned["banned"] = true.into();
    let status = crate::denials::events::receive(&profiles, "user.updated", banned).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    profiles
        .pool
        .execute("UPDATE clerk_denials SET changed_at = changed_at - 3700000")
        .await;
    // The first happened an hour ago, and the last five minutes ago.
    let (now, expires_at) = (at(0).as_millis(), at(3_600_000).as_millis());
    profiles
        .pool
        .execute(&format!(
            "INSERT INTO clerk_denials (kind, id, refusal, version, happened_at, expires_at, changed_at) \
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MEMBERSHIPS}) \
             SELECT 'membership', 'user_' || n || '\t' || 'org_1', 'membership_ended', 1, \
             {now} - 3600000 + n * 50, {expires_at}, {now} - 3600000 + n * 50 FROM numbers"
        ))
        .await;
    let restarted = start(&database).await;
    let eve = token("user_eve", "Eve", 1);
    assert_eq!(
        refusal(&restarted, eve).await,
        Some(clerk_auth::token::Refusal::UserBanned)
    );
    for (user_id, read_at, expected) in [
        // Remembered.
        ("user_66000", -3_600_000, ""),
        ("user_66000", -299_000, AS_CLAIMED),
        // Dropped: the end was an hour ago, and earlier claims have no organization.
        ("user_1", -3_600_000, ""),
        ("user_1", -3_000_000, AS_CLAIMED),
        ("user_zoe", -3_600_000, ""),
        ("user_zoe", -3_000_000, AS_CLAIMED),
    ] {
        let session = restarted.authenticate(admin(user_id, at(read_at))).await;
        let session = session.expect("no user is signed out");
        let held = crate::memberships::events::held(&session);
        assert_eq!(held, expected, "{user_id} read at {read_at}");
    }
}

#[tokio::test]
async fn end_applies_at_once_while_the_database_is_down() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let profiles = Profiles::start_on(through).await;
    wait_until_listening(&profiles).await;
    let at = around(&profiles);
    proxy.cut().await;
    let before = |user_id: &str| admin(user_id, at(-20_000));
    let sent = [
        delivery(
            &profiles,
            "deleted",
            member("user_ada", "org:admin", &[], at(-90_000)),
            at(-10_000),
        ),
        delivery(
            &profiles,
            "updated",
            member("user_bob", "org:member", &[], at(-10_000)),
            at(-10_000),
        ),
    ];
    for sent in &sent {
        assert_eq!(send(&profiles, sent).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(holds(&profiles, before("user_ada")).await, "");
    assert_eq!(holds(&profiles, before("user_bob")).await, "org:member");
    assert_eq!(holds(&profiles, before("user_zoe")).await, AS_CLAIMED);
    proxy.restore();
    let other = start(&database).await;
    assert_eq!(
        holds(&other, before("user_ada")).await,
        AS_CLAIMED,
        "nothing was written"
    );
    for sent in &sent {
        until("the delivery is not applied", async || {
            send(&profiles, sent).await == StatusCode::NO_CONTENT
        })
        .await;
    }
    for (user_id, expected) in [("user_ada", ""), ("user_bob", "org:member")] {
        until("the other process believes the token", async || {
            holds(&other, before(user_id)).await == expected
        })
        .await;
    }
}

#[tokio::test]
async fn end_in_a_gap_of_the_listener_is_read_after_it() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let (one, other) = (start(&database).await, Profiles::start_on(through).await);
    wait_until_listening(&other).await;
    let at = around(&one);
    for round in 0..3 {
        let user_id = format!("user_{round}");
        proxy.cut().await;
        let removed = member(&user_id, "org:admin", &[], at(-90_000));
        apply(&one, "deleted", removed, at(-10_000)).await;
        proxy.restore();
        until("the other process believes the token", async || {
            holds(&other, admin(&user_id, at(-20_000))).await.is_empty()
        })
        .await;
    }
}

/// Without contact to the database, an application that requires current denials refuses sessions.
#[tokio::test]
async fn no_role_is_granted_without_current_denials_on_request() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let (one, other) = (
        start(&database).await,
        Profiles::start_with(
            through,
            UserSyncBuilder::require_current_denials,
            UserSyncBuilder::require_current_denials,
        )
        .await,
    );
    let at = around(&one);
    let before = || -> SessionToken<'static> { admin("user_ada", at(-20_000)) };
    assert_eq!(holds(&other, before()).await, AS_CLAIMED);
    proxy.cut().await;
    let removed = member("user_ada", "org:admin", &[], at(-90_000));
    apply(&one, "deleted", removed, at(-10_000)).await;
    until("sessions are accepted", async || {
        let authenticated = other.authenticate(before()).await;
        matches!(authenticated, Err(AuthenticationError::DenialsUnavailable { .. }))
    })
    .await;
    proxy.restore();
    until("sessions are refused", async || {
        other.authenticate(before()).await.is_ok()
    })
    .await;
    assert_eq!(holds(&other, before()).await, "");
}
