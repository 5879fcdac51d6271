//! Bans, deletions and ends of sessions take effect at once, in every process, whatever else fails.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::UserSync;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::{CREATE_DELIVERIES, CREATE_DENIALS, SyncError, UserSyncBuilder};
use clerk_auth::testing::{SessionToken, SignedDelivery, event, session_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, SyncedRow};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, issuer, token};
use clerk_auth_tests::proxy::Proxy;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};
use tower::ServiceExt;

use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    ban_applies_although_the_claims_fit_no_row,
    ban_applies_although_the_database_refuses_the_claims,
    ban_applies_although_the_hook_fails,
    refused_delivery_is_applied_when_it_comes_again_and_fits,
    late_ban_does_not_undo_its_lifting,
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

async fn ban_applies_although_the_claims_fit_no_row(database: TestDatabase) {
    let profiles = start(&database).await;
    assert_eq!(
        receive(&profiles, "user.created", user("user_ada", 100)).await,
        StatusCode::NO_CONTENT
    );
    for (number, (member, odd)) in [
        ("first_name", json!(7)),
        ("first_name", json!("{{7*7}}")),
        ("first_name", json!(["Ada"])),
        (
            "email_addresses",
            json!([{ "id": "idn_1", "email_address": "a{{b" }]),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let updated_at = 200 + 10 * i64::try_from(number).expect("a small number");
        let mut ban = banned("user_ada", updated_at);
        ban[member] = odd.clone();
        ban["primary_email_address_id"] = "idn_1".into();
        assert_eq!(
            receive(&profiles, "user.updated", ban).await,
            StatusCode::NO_CONTENT,
            "{odd}"
        );
        assert_eq!(
            refusal(&profiles, ada()).await,
            Some(Refusal::UserBanned),
            "{odd}"
        );
        // The lifting has a value that fits no row either.
        let mut lifted = user("user_ada", updated_at + 1);
        lifted[member] = odd.clone();
        lifted["primary_email_address_id"] = "idn_1".into();
        assert_eq!(
            receive(&profiles, "user.updated", lifted).await,
            StatusCode::NO_CONTENT,
            "{odd}"
        );
        assert_eq!(refusal(&profiles, ada()).await, None, "{odd}");
    }
    let version = "SELECT clerk_version FROM profiles WHERE clerk_id = 'user_ada'";
    assert_eq!(
        profiles.pool.number(version).await,
        100_000,
        "the row is as it was"
    );
}

async fn ban_applies_although_the_database_refuses_the_claims(database: TestDatabase) {
    let profiles = start(&database).await;
    let check = if database.is_sqlite() {
        "CREATE TRIGGER no_long_names BEFORE INSERT ON profiles WHEN length(NEW.name) > 20 \
         BEGIN SELECT RAISE(ABORT, 'too long'); END"
    } else {
        "ALTER TABLE profiles ADD CONSTRAINT no_long_names CHECK (length(name) <= 20)"
    };
    profiles.pool.execute(check).await;
    let mut ban = banned("user_ada", 100);
    ban["first_name"] = "Augusta Ada King, Countess of Lovelace".into();
    assert_eq!(
        receive(&profiles, "user.created", ban).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(refusal(&profiles, ada()).await, Some(Refusal::UserBanned));
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 0);
    // Another user is not affected.
    assert_eq!(
        receive(&profiles, "user.created", user("user_bob", 100)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
}

/// Starts a process whose hook records each delivery, and fails while a table `broken` exists.
async fn hooked(database: &TestDatabase, once: bool) -> Profiles {
    let pool = Pool::open(database.url(), 5).await;
    pool.execute("CREATE TABLE received (event TEXT NOT NULL)").await;
    pool.execute(CREATE_DELIVERIES).await;
    macro_rules! with_hook {
        () => {
            move |builder| {
                macro_rules! hook {
                    () => {
                        |connection, delivery| {
                            Box::pin(async move {
                                sqlx::query("INSERT INTO received (event) VALUES ($1)")
                                    .bind(delivery.event.event_type())
                                    .execute(connection)
                                    .await?;
                                Ok(())
                            })
                        }
                    };
                }
                if once {
                    builder.on_event_once(hook!())
                } else {
                    builder.on_event(hook!())
                }
            }
        };
    }
    Profiles::start_with(pool, with_hook!(), with_hook!()).await
}

async fn ban_applies_although_the_hook_fails(database: TestDatabase) {
    let profiles = hooked(&database, false).await;
    profiles
        .pool
        .execute("ALTER TABLE received RENAME TO renamed")
        .await;
    let sid = ada().claim("sid", "sess_1");
    for (event_type, data, token, expected) in [
        (
            "session.revoked",
            ended(&profiles, "sess_1", "user_ada"),
            sid,
            Refusal::SessionEnded,
        ),
        (
            "user.updated",
            banned("user_ada", 200),
            ada(),
            Refusal::UserBanned,
        ),
        ("user.deleted", deleted("user_ada"), ada(), Refusal::UserDeleted),
    ] {
        let answer = receive(&profiles, event_type, data).await;
        assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE, "{event_type}");
        assert_eq!(refusal(&profiles, token).await, Some(expected), "{event_type}");
    }
}

async fn refused_delivery_is_applied_when_it_comes_again_and_fits(database: TestDatabase) {
    for once in [true, false] {
        let database = if database.is_sqlite() {
            TestDatabase::sqlite()
        } else {
            TestDatabase::postgres().await
        };
        let profiles = hooked(&database, once).await;
        let pool = &profiles.pool;
        if database.is_sqlite() {
            pool.execute(
                "CREATE TRIGGER strict BEFORE INSERT ON profiles BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
            .await;
        } else {
            pool.execute("ALTER TABLE profiles ADD CONSTRAINT strict CHECK (name <> 'Ada')")
                .await;
        }
        let mut created = user("user_ada", 100);
        created["first_name"] = "Ada".into();
        let created = delivery(&profiles, "user.created", created);
        assert_eq!(send(&profiles, &created).await, StatusCode::NO_CONTENT);
        assert_eq!(pool.number("SELECT count(*) FROM profiles").await, 0);
        // A hook that runs once per delivery runs when the delivery is applied.
        assert_eq!(
            pool.number("SELECT count(*) FROM received").await,
            i64::from(!once)
        );
        assert_eq!(pool.number("SELECT count(*) FROM clerk_deliveries").await, 0);
        if database.is_sqlite() {
            pool.execute("DROP TRIGGER strict").await;
        } else {
            pool.execute("ALTER TABLE profiles DROP CONSTRAINT strict").await;
        }
        assert_eq!(send(&profiles, &created).await, StatusCode::NO_CONTENT);
        assert_eq!(pool.number("SELECT count(*) FROM profiles").await, 1);
        assert_eq!(
            pool.number("SELECT count(*) FROM received").await,
            1 + i64::from(!once)
        );
        assert_eq!(
            pool.number("SELECT count(*) FROM clerk_deliveries").await,
            i64::from(once)
        );
    }
}

async fn late_ban_does_not_undo_its_lifting(database: TestDatabase) {
    let profiles = start(&database).await;
    for (user_id, has_row) in [("user_ada", true), ("user_eve", false)] {
        let odd = |mut user: Value| {
            // Without a row, only the denials record the last event.
            if !has_row {
                user["first_name"] = 7.into();
            }
            user
        };
        let new_token = || token(user_id, "Ada", 50);
        let ban = delivery(&profiles, "user.updated", odd(banned(user_id, 100)));
        let lifting = delivery(&profiles, "user.updated", odd(user(user_id, 200)));
        for (order, expected) in [
            (vec![&ban], Some(Refusal::UserBanned)),
            (vec![&ban, &lifting], None),
            (vec![&ban, &lifting, &ban], None),
            (vec![&lifting, &ban, &ban], None),
        ] {
            for sent in &order {
                assert_eq!(send(&profiles, sent).await, StatusCode::NO_CONTENT);
            }
            assert_eq!(
                refusal(&profiles, new_token()).await,
                expected,
                "{user_id}: {} events",
                order.len()
            );
        }
        // The lifting comes first, to a process and a database without any state.
        let other = format!("{user_id}_2");
        for data in [odd(user(&other, 200)), odd(banned(&other, 100))] {
            assert_eq!(
                receive(&profiles, "user.updated", data).await,
                StatusCode::NO_CONTENT
            );
        }
        assert_eq!(
            refusal(&profiles, token(&other, "Ada", 50)).await,
            None,
            "{other}"
        );

        let restarted = start(&database).await;
        assert_eq!(refusal(&restarted, new_token()).await, None, "{user_id}");
        assert_eq!(send(&restarted, &ban).await, StatusCode::NO_CONTENT);
        assert_eq!(refusal(&restarted, new_token()).await, None, "{user_id}");
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

/// The derive's own migration has the table, and can be applied for two structs.
#[test]
fn migration_has_the_table_of_denials() {
    assert!(Profile::migration_sql::<sqlx::Sqlite>().ends_with(&format!("{CREATE_DENIALS};\n")));
}
