//! Bans, deletions and ends of sessions take effect at once, in every process, whatever else fails.

mod bans;
mod outages;

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::Clerk;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::{CREATE_DENIALS, SyncError, UserSyncBuilder};
use clerk_auth::testing::{SessionToken, SignedDelivery, event, session_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{SyncedRow, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, issuer, token};
use serde_json::{Value, json};
use tower::ServiceExt;

on_both_databases!(
    restarted_process_refuses_denied_users,
    another_process_bars_and_admits_within_seconds,
    deletion_by_the_application_bars_like_one_by_webhook,
    lockout_ends_sessions_only_on_request_and_from_its_own_time,
    token_that_outlives_denials_is_refused,
    missing_table_is_reported_at_start_up,
    expired_denials_are_not_read,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn delivery(profiles: &Profiles, event_type: &str, data: Value) -> SignedDelivery {
    let now = profiles.clock.now();
    SignedDelivery::new(SECRET, &event(event_type, data, now), now)
}

async fn send(profiles: &Profiles, delivery: &SignedDelivery) -> StatusCode {
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let answer = router.oneshot(delivery.request("/")).await;
    answer.expect("a router answers").status()
}

pub(crate) async fn receive(profiles: &Profiles, event_type: &str, data: Value) -> StatusCode {
    send(profiles, &delivery(profiles, event_type, data)).await
}

fn user(user_id: &str, updated_at: i64) -> Value {
    user_object(user_id, Timestamp::from_secs(updated_at))
}

fn banned(user_id: &str, updated_at: i64) -> Value {
    let mut user = user(user_id, updated_at);
    user["banned"] = true.into();
    user
}

pub(crate) fn deleted(user_id: &str) -> Value {
    json!({ "id": user_id, "object": "user", "deleted": true })
}

fn ended(profiles: &Profiles, session_id: &str, user_id: &str) -> Value {
    session_object(session_id, user_id, "ended", profiles.clock.now())
}

pub(crate) async fn start(database: &TestDatabase) -> Profiles {
    Profiles::start_on(Pool::open(database.url(), 5).await).await
}

/// Returns the refusal of a token, if any.
pub(crate) async fn refusal(profiles: &Profiles, token: SessionToken<'_>) -> Option<Refusal> {
    match profiles.authenticate(token).await {
        Ok(_) => None,
        Err(AuthenticationError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}

fn ada() -> SessionToken<'static> {
    token("user_ada", "Ada", 100)
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn restarted_process_refuses_denied_users(database: TestDatabase) {
    let profiles = start(&database).await;
    receive(&profiles, "user.updated", banned("user_ada", 100)).await;
    receive(&profiles, "user.deleted", deleted("user_eve")).await;
    let data = ended(&profiles, "sess_1", "user_bob");
    receive(&profiles, "session.removed", data).await;
    let restarted = start(&database).await;
    for (token, expected) in [
        (ada(), Some(Refusal::UserBanned)),
        (token("user_eve", "Eve", 1), Some(Refusal::UserDeleted)),
        (
            token("user_bob", "Bob", 1).claim("sid", "sess_1"),
            Some(Refusal::SessionEnded),
        ),
        (token("user_bob", "Bob", 1).claim("sid", "sess_2"), None),
    ] {
        assert_eq!(refusal(&restarted, token).await, expected);
    }
}

async fn another_process_bars_and_admits_within_seconds(database: TestDatabase) {
    let (one, other) = (start(&database).await, start(&database).await);
    receive(&one, "user.updated", banned("user_ada", 100)).await;
    until("the other process does not bar the user", async || {
        refusal(&other, ada()).await == Some(Refusal::UserBanned)
    })
    .await;
    receive(&one, "user.updated", user("user_ada", 200)).await;
    until("the other process does not admit the user", async || {
        refusal(&other, ada()).await.is_none()
    })
    .await;
}

async fn deletion_by_the_application_bars_like_one_by_webhook(database: TestDatabase) {
    let (one, other) = (start(&database).await, start(&database).await);
    let session = one.session(ada()).await;
    one.users.sync(&session).await.expect("it syncs");
    for user_id in ["user_ada", "user_eve"] {
        let new_token = || token(user_id, "Ada", 100);
        let verified = one.session(new_token()).await;
        one.users
            .delete(&UserId::new(user_id))
            .await
            .expect("the database answers");
        assert_eq!(
            refusal(&one, new_token()).await,
            Some(Refusal::UserDeleted),
            "{user_id}"
        );
        let synced = one.users.sync(&verified).await;
        assert!(matches!(synced, Err(SyncError::UserDeleted)), "{synced:?}");
        until("the other process accepts a deleted user", async || {
            refusal(&other, new_token()).await == Some(Refusal::UserDeleted)
        })
        .await;
    }
    let alive = "SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL";
    assert_eq!(one.pool.number(alive).await, 0);
}

async fn lockout_ends_sessions_only_on_request_and_from_its_own_time(database: TestDatabase) {
    let lenient = start(&database).await;
    let pool = Pool::open(database.url(), 5).await;
    let strict: Profiles = Profiles::start_with(
        pool,
        UserSyncBuilder::lockout_ends_sessions,
        UserSyncBuilder::lockout_ends_sessions,
    )
    .await;
    let mut locked = user("user_ada", 100);
    locked["locked"] = true.into();
    locked["lockout_expires_in_seconds"] = 3_600.into();
    assert_eq!(
        receive(&lenient, "user.updated", locked.clone()).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(refusal(&lenient, ada()).await, None);
    // The event happened half an hour ago.
    locked["updated_at"] = 101_000.into();
    let now = strict.clock.now();
    let half_an_hour_ago = Timestamp::from_secs(now.as_secs() - 1_800);
    let late = event("user.updated", locked, half_an_hour_ago);
    let late = SignedDelivery::new(SECRET, &late, now);
    assert_eq!(send(&strict, &late).await, StatusCode::NO_CONTENT);
    assert_eq!(refusal(&strict, ada()).await, Some(Refusal::UserLocked));
    strict.clock.advance(Duration::from_secs(1_799));
    assert_eq!(refusal(&strict, ada()).await, Some(Refusal::UserLocked));
    strict.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&strict, ada()).await, None);
    // The lockout was over before it was delivered.
    let late = SignedDelivery::new(
        SECRET,
        &event(
            "user.updated",
            {
                let mut locked = user("user_ada", 102);
                locked["locked"] = true.into();
                locked["lockout_expires_in_seconds"] = 60.into();
                locked
            },
            half_an_hour_ago,
        ),
        strict.clock.now(),
    );
    assert_eq!(send(&strict, &late).await, StatusCode::NO_CONTENT);
    assert_eq!(refusal(&strict, ada()).await, None);
}

async fn token_that_outlives_denials_is_refused(_: TestDatabase) {
    let clerk = |lenient: bool| {
        let builder = Clerk::builder()
            .issuer(issuer().url())
            .jwt_key(issuer().public_key_pem());
        let builder = if lenient {
            builder.insecure_accept_long_lived_tokens()
        } else {
            builder
        };
        builder.build().expect("the configuration is right")
    };
    let (strict, lenient) = (clerk(false), clerk(true));
    let now = strict.now();
    let day = Duration::from_secs(24 * 3_600);
    for (life, expected) in [
        (Duration::from_secs(60), Ok(())),
        (day + day / 6, Ok(())),
        (
            day + day / 6 + Duration::from_secs(1),
            Err(AuthenticationError::Refused(Refusal::LivesTooLong)),
        ),
        (
            day * 3_650,
            Err(AuthenticationError::Refused(Refusal::LivesTooLong)),
        ),
    ] {
        let token = issuer()
            .token("user_ada")
            .issued_at(now)
            .claim("exp", (now + life).as_secs())
            .sign();
        let headers = [(
            axum::http::header::AUTHORIZATION,
            format!("Bearer {token}").parse().expect("a header"),
        )]
        .into_iter()
        .collect();
        assert_eq!(
            strict.authenticate(&headers).await.map(drop),
            expected,
            "{life:?}"
        );
        assert_eq!(lenient.authenticate(&headers).await.map(drop), Ok(()), "{life:?}");
    }
}

async fn missing_table_is_reported_at_start_up(database: TestDatabase) {
    async fn report(pool: &Pool, in_memory: bool) -> String {
        macro_rules! build {
            ($pool:expr) => {{
                let builder = UserSync::<Profile>::builder(issuer().clerk(), $pool.clone());
                let builder = if in_memory {
                    builder.denials_in_memory()
                } else {
                    builder
                };
                builder.build().await.map(drop)
            }};
        }
        let built = match pool {
            Pool::Postgres(pool) => build!(pool),
            Pool::Sqlite(pool) => build!(pool),
        };
        built.err().map(|error| error.to_string()).unwrap_or_default()
    }
    let pool = Pool::open(database.url(), 5).await;
    assert_eq!(report(&pool, false).await, "");
    pool.execute("DROP TABLE clerk_denials").await;
    let message = report(&pool, false).await;
    assert!(message.contains("there is no table `clerk_denials`"), "{message}");
    assert!(message.contains("CREATE TABLE IF NOT EXISTS"), "{message}");
    assert_eq!(report(&pool, true).await, "");
    pool.execute(
        &CREATE_DENIALS
            .replace("\"changed_at\" BIGINT NOT NULL", "\"note\" TEXT")
            .replace("(\"changed_at\")", "(\"note\")"),
    )
    .await;
    let message = report(&pool, false).await;
    assert!(message.contains("there is no column `changed_at`"), "{message}");
    pool.execute("DROP TABLE clerk_denials").await;
    pool.execute(&CREATE_DENIALS.replace("PRIMARY KEY (\"kind\", \"id\")", "CHECK (true)"))
        .await;
    let message = report(&pool, false).await;
    assert!(
        message.contains("cannot run its record denials statement"),
        "{message}"
    );
}

async fn expired_denials_are_not_read(database: TestDatabase) {
    let one = start(&database).await;
    receive(&one, "user.updated", banned("user_ada", 100)).await;
    one.pool.execute("UPDATE clerk_denials SET expires_at = 1").await;
    let restarted = start(&database).await;
    assert_eq!(refusal(&restarted, ada()).await, None);
    // An expired denial gives way to an older event.
    let ban = banned("user_eve", 100);
    receive(&one, "user.updated", ban).await;
    one.pool.execute("UPDATE clerk_denials SET expires_at = 1").await;
    one.pool.execute("DELETE FROM profiles").await;
    let restarted = start(&database).await;
    let older = receive(&restarted, "user.updated", banned("user_eve", 90)).await;
    assert_eq!(older, StatusCode::NO_CONTENT);
    let living = "SELECT version FROM clerk_denials WHERE expires_at > 1";
    assert_eq!(one.pool.number(living).await, 90_000);
}

/// The derive's own migration has the table, and can be applied for two structs.
#[test]
fn migration_has_the_table_of_denials() {
    assert!(Profile::migration_sql::<sqlx::Sqlite>().ends_with(&format!("{CREATE_DENIALS};\n")));
}
