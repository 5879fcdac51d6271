//! Tests of denials while the database or its notifications fail.

use axum::http::StatusCode;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::sync::UserSyncBuilder;
use clerk_auth::token::Refusal;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::{Pool, Profiles, token};
use clerk_auth_tests::proxy::Proxy;
use sqlx::{AssertSqlSafe, Executor};

use super::{ada, banned, deleted, delivery, ended, receive, refusal, send, start, until};
use crate::sync::two_processes::wait_until_listening;

#[tokio::test]
async fn denial_applies_at_once_while_the_database_is_down() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let profiles = Profiles::start_on(through).await;
    wait_until_listening(&profiles).await;
    proxy.cut().await;
    let sid = || token("user_bob", "Bob", 100).claim("sid", "sess_1");
    let sent = [
        delivery(
            &profiles,
            "session.revoked",
            ended(&profiles, "sess_1", "user_bob"),
        ),
        delivery(&profiles, "user.updated", banned("user_ada", 200)),
        delivery(&profiles, "user.deleted", deleted("user_eve")),
    ];
    for sent in &sent {
        assert_eq!(send(&profiles, sent).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    let eve = || token("user_eve", "Eve", 100);
    assert_eq!(refusal(&profiles, sid()).await, Some(Refusal::SessionEnded));
    assert_eq!(refusal(&profiles, ada()).await, Some(Refusal::UserBanned));
    assert_eq!(refusal(&profiles, eve()).await, Some(Refusal::UserDeleted));
    // Others continue with the known denials.
    assert_eq!(refusal(&profiles, token("user_zoe", "Zoe", 1)).await, None);
    proxy.restore();
    let other = start(&database).await;
    assert_eq!(refusal(&other, ada()).await, None, "nothing was written");
    for sent in &sent {
        until("the delivery is not applied", async || {
            send(&profiles, sent).await == StatusCode::NO_CONTENT
        })
        .await;
    }
    for (token, expected) in [
        (sid(), Refusal::SessionEnded),
        (ada(), Refusal::UserBanned),
        (eve(), Refusal::UserDeleted),
    ] {
        until("the other process accepts", async || {
            refusal(&other, token.clone()).await == Some(expected)
        })
        .await;
    }
}

#[tokio::test]
async fn denial_in_a_gap_of_the_listener_is_read_after_it() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let (one, other) = (start(&database).await, Profiles::start_on(through).await);
    wait_until_listening(&other).await;
    for round in 0..5 {
        let user_id = format!("user_{round}");
        proxy.cut().await;
        receive(&one, "user.updated", banned(&user_id, 200)).await;
        proxy.restore();
        until("the other process accepts", async || {
            refusal(&other, token(&user_id, "Ada", 100)).await == Some(Refusal::UserBanned)
        })
        .await;
    }
}

#[tokio::test]
async fn notification_without_a_denial_decides_nothing() {
    let database = TestDatabase::postgres().await;
    let profiles = start(&database).await;
    wait_until_listening(&profiles).await;
    receive(&profiles, "user.updated", banned("user_ada", 100)).await;
    let pool = profiles.pool.postgres();
    let role = format!("nobody_{}", std::process::id());
    let mut intruder = pool.acquire().await.expect("a connection");
    for sql in [format!("CREATE ROLE {role}"), format!("SET ROLE {role}")] {
        intruder
            .execute(AssertSqlSafe(sql))
            .await
            .expect("a role without privileges");
    }
    let denied = intruder.execute("DELETE FROM clerk_denials").await;
    assert!(denied.is_err(), "the role has no privileges");
    let far = 99_999_999_999_999_i64;
    for channel in ["clerk_auth", "clerk_auth_denied", "clerk_auth_denials"] {
        for payload in [
            String::new(),
            "*".to_owned(),
            format!("user user_ada {far} {far} allowed"),
            format!("user user_eve {far} {far} user_banned"),
            "0123456789abcdef profiles *".to_owned(),
        ] {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(channel)
                .bind(payload)
                .execute(&mut *intruder)
                .await
                .expect("anybody may notify");
        }
    }
    // A denial of the test arrives after these messages, so they have arrived too.
    let other = start(&database).await;
    receive(&other, "user.updated", banned("user_bob", 100)).await;
    until("no notification is received", async || {
        refusal(&profiles, token("user_bob", "Bob", 1)).await == Some(Refusal::UserBanned)
    })
    .await;
    assert_eq!(refusal(&profiles, ada()).await, Some(Refusal::UserBanned));
    assert_eq!(refusal(&profiles, token("user_eve", "Eve", 1)).await, None);
    for sql in ["RESET ROLE".to_owned(), format!("DROP ROLE {role}")] {
        intruder.execute(AssertSqlSafe(sql)).await.expect("the role goes");
    }
}

#[tokio::test]
async fn sessions_are_refused_without_current_denials_on_request() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let profiles: Profiles = Profiles::start_with(
        through,
        UserSyncBuilder::require_current_denials,
        UserSyncBuilder::require_current_denials,
    )
    .await;
    profiles.session(ada()).await;
    proxy.cut().await;
    until("sessions are accepted", async || {
        let authenticated = profiles.authenticate(ada()).await;
        matches!(authenticated, Err(AuthenticationError::DenialsUnavailable { .. }))
    })
    .await;
    proxy.restore();
    until("sessions are refused", async || {
        profiles.authenticate(ada()).await.is_ok()
    })
    .await;
}
