//! Tests that a delivery of Clerk causes all of its effects or none: rows, denials and the application's own writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::to_bytes;
use axum::http::header::RETRY_AFTER;
use axum::http::{Response, StatusCode};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted};
use clerk_auth::sync::{CREATE_DELIVERIES, SyncError, UserSyncBuilder};
use clerk_auth::testing::{SessionToken, SignedDelivery, event, session_object, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use futures_util::future::{FutureExt, join_all};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    users_without_requests_have_rows,
    late_or_duplicate_delivery_changes_nothing,
    concurrent_duplicate_delivery_is_applied_once,
    version_is_never_raised_over_older_claims,
    writes_of_the_hook_commit_with_the_delivery_or_not_at_all,
    deleted_user_stays_deleted_after_late_deliveries,
    ended_session_is_refused_until_its_tokens_have_expired,
    banned_locked_or_deprovisioned_user_is_refused_until_an_event_lifts_it,
    old_ban_is_ignored_however_late_it_arrives,
    kept_row_does_not_survive_a_delivery,
    unique_value_follows_the_rules_of_a_request,
    delivery_that_cannot_be_applied_is_requested_again,
    user_that_the_struct_refuses_has_no_row_and_is_not_a_failure,
    hook_that_sees_deliveries_once_needs_its_table,
    delivery_is_acknowledged_only_if_its_row_remains_after_the_hooks,
    old_deliveries_are_deleted_while_the_process_runs,
    columns_of_the_application_are_unchanged,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn verifier<U: SyncedUser>(profiles: &Profiles<U>) -> WebhookVerifier {
    WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone())
}

async fn send<U: SyncedUser>(
    profiles: &Profiles<U>,
    delivery: &SignedDelivery,
) -> Response<axum::body::Body> {
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier(profiles)));
    router
        .oneshot(delivery.request("/"))
        .await
        .expect("a router answers")
}

async fn receive<U: SyncedUser>(profiles: &Profiles<U>, event_type: &str, data: Value) -> StatusCode {
    let now = profiles.clock.now();
    let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
    send(profiles, &delivery).await.status()
}

/// Returns the user object of Clerk for a user who was last changed in this second.
fn user(user_id: &str, name: &str, updated_at: i64) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(updated_at));
    user["first_name"] = name.into();
    user
}

fn gone(user_id: &str) -> Value {
    json!({ "id": user_id, "object": "user", "deleted": true })
}

async fn start(database: &TestDatabase) -> Profiles {
    Profiles::start_on(Pool::open(database.url(), 5).await).await
}

async fn name(profiles: &Profiles, user_id: &str) -> Option<String> {
    let sql = format!("SELECT name FROM profiles WHERE clerk_id = '{user_id}'");
    profiles.pool.text(&sql).await
}

fn refused(refusal: Refusal) -> Result<(), AuthenticationError> {
    Err(AuthenticationError::Refused(refusal))
}

async fn users_without_requests_have_rows(database: TestDatabase) {
    let profiles = start(&database).await;
    let mut ada = user("user_ada", "Ada", 100);
    assert_eq!(
        receive(&profiles, "user.created", ada.clone()).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(name(&profiles, "user_ada").await.as_deref(), Some("Ada"));
    assert_eq!(
        profiles.pool.number("SELECT clerk_version FROM profiles").await,
        100_000
    );
    // The library finds the primary address by its id, and not by its place in the list.
    ada["email_addresses"] = json!([
        { "id": "idn_old", "email_address": "old@example.com" },
        { "id": "idn_new", "email_address": "new@example.com" },
    ]);
    ada["primary_email_address_id"] = "idn_new".into();
    ada["updated_at"] = 100_250.into();
    assert_eq!(
        receive(&profiles, "user.updated", ada).await,
        StatusCode::NO_CONTENT
    );
    let email = profiles.pool.text("SELECT email FROM profiles").await;
    assert_eq!(email.as_deref(), Some("new@example.com"));
    // The first request finds the row, and costs one read.
    let first = profiles.sync(token("user_ada", "Ada", 100).claim("email", "new@example.com"));
    assert_ne!(first.await.expect("it syncs").outcome, Inserted);
}

async fn late_or_duplicate_delivery_changes_nothing(database: TestDatabase) {
    let profiles = start(&database).await;
    let now = profiles.clock.now();
    let first = SignedDelivery::new(
        SECRET,
        &event("user.created", user("user_ada", "Ada", 100), now),
        now,
    );
    let second = SignedDelivery::new(
        SECRET,
        &event("user.updated", user("user_ada", "Grace", 200), now),
        now,
    );
    for delivery in [&second, &first, &second, &first] {
        assert_eq!(send(&profiles, delivery).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(name(&profiles, "user_ada").await.as_deref(), Some("Grace"));
    }
    // A token from before the change has no effect either.
    let late = profiles
        .sync(token("user_ada", "Ada", 100))
        .await
        .expect("it syncs");
    assert_eq!(late.user.name.as_deref(), Some("Grace"));
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
}

async fn version_is_never_raised_over_older_claims(database: TestDatabase) {
    let (one, other) = (start(&database).await, start(&database).await);
    for round in 0..50 {
        // A token that is minted in the second of a change may contain the change or not. Its version is the beginning of
        // that second in both cases.
        let user_id = format!("user_{round}");
        receive(&one, "user.updated", user(&user_id, "New", 100)).await;
        let mut changed = user(&user_id, "New", 100);
        changed["updated_at"] = 100_214.into();
        let old = receive(&one, "user.created", user(&user_id, "Old", 100));
        let new = receive(&other, "user.updated", changed);
        let answers = join_all([old.boxed(), new.boxed()]).await;
        assert_eq!(answers, [StatusCode::NO_CONTENT; 2]);
        assert_eq!(
            name(&one, &user_id).await.as_deref(),
            Some("New"),
            "round {round}"
        );
        let sql = format!("SELECT clerk_version FROM profiles WHERE clerk_id = '{user_id}'");
        assert_eq!(one.pool.number(&sql).await, 100_214);
    }
}

/// The numbers of calls of the hooks.
#[derive(Clone, Debug, Default)]
struct Calls {
    inserted: Arc<AtomicUsize>,
    received: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

/// Starts a process whose hook records each delivery in a table, and then may fail.
async fn with_hooks(pool: Pool, calls: &Calls, once: bool) -> Profiles {
    macro_rules! hooks {
        () => {{
            let Calls {
                inserted,
                received,
                fails,
            } = calls.clone();
            move |builder| {
                let builder = builder.on_insert(move |_, _| {
                    inserted.fetch_add(1, Ordering::SeqCst);
                    Box::pin(async { Ok(()) })
                });
                macro_rules! hook {
                    () => {
                        move |connection, delivery| {
                            received.fetch_add(1, Ordering::SeqCst);
                            let fails = fails.load(Ordering::SeqCst);
                            Box::pin(async move {
                                sqlx::query("INSERT INTO received (event) VALUES ($1)")
                                    .bind(delivery.event.event_type())
                                    .execute(connection)
                                    .await?;
                                if fails {
                                    return Err("the mail server is down".into());
                                }
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
        }};
    }
    Profiles::start_with(pool, hooks!(), hooks!()).await
}

async fn hooked(database: &TestDatabase, calls: &Calls, once: bool) -> Profiles {
    let pool = Pool::open(database.url(), 5).await;
    pool.execute("CREATE TABLE received (event TEXT NOT NULL)").await;
    pool.execute(CREATE_DELIVERIES).await;
    with_hooks(pool, calls, once).await
}

async fn concurrent_duplicate_delivery_is_applied_once(database: TestDatabase) {
    for once in [true, false] {
        let calls = Calls::default();
        let (user_id, created) = if once {
            ("user_ada", "user.created")
        } else {
            ("user_eve", "user.updated")
        };
        let one = if once {
            hooked(&database, &calls, once).await
        } else {
            with_hooks(Pool::open(database.url(), 5).await, &calls, once).await
        };
        let other = with_hooks(Pool::open(database.url(), 5).await, &calls, once).await;
        let now = one.clock.now();
        let delivery = SignedDelivery::new(SECRET, &event(created, user(user_id, "Ada", 100), now), now);
        let both = [&one, &other];
        let attempts = (0..10).map(|attempt| send(both[attempt % 2], &delivery));
        for answer in join_all(attempts).await {
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
        let sql = format!("SELECT count(*) FROM received WHERE event = '{created}'");
        assert_eq!(one.pool.number(&sql).await, if once { 1 } else { 10 });
        assert_eq!(calls.inserted.load(Ordering::SeqCst), 1);
        let sql = format!("SELECT count(*) FROM profiles WHERE clerk_id = '{user_id}'");
        assert_eq!(one.pool.number(&sql).await, 1);
    }
}

async fn writes_of_the_hook_commit_with_the_delivery_or_not_at_all(database: TestDatabase) {
    let calls = Calls::default();
    let profiles = hooked(&database, &calls, true).await;
    let now = profiles.clock.now();
    let created = SignedDelivery::new(
        SECRET,
        &event("user.created", user("user_ada", "Ada", 100), now),
        now,
    );
    calls.fails.store(true, Ordering::SeqCst);
    let answer = send(&profiles, &created).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    let body = to_bytes(answer.into_body(), 10_000).await.expect("a short body");
    let problem: Value = serde_json::from_slice(&body).expect("a problem document");
    assert_eq!(problem["code"], "webhook_not_applied");
    assert!(!problem.to_string().contains("mail server"), "{problem}");
    for table in ["profiles", "received", "clerk_deliveries"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(profiles.pool.number(&sql).await, 0, "{table}");
    }
    calls.fails.store(false, Ordering::SeqCst);
    assert_eq!(send(&profiles, &created).await.status(), StatusCode::NO_CONTENT);
    // The hook runs for every event, also for one of a type that this library does not list.
    for (event_type, data) in [
        (
            "organization.deleted",
            json!({ "id": "org_1", "object": "organization", "deleted": true }),
        ),
        ("somethingNew.happened", json!({ "id": 7 })),
    ] {
        assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(profiles.pool.number("SELECT count(*) FROM received").await, 3);
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM clerk_deliveries")
            .await,
        3
    );
}

async fn deleted_user_stays_deleted_after_late_deliveries(database: TestDatabase) {
    let profiles = start(&database).await;
    receive(&profiles, "user.created", user("user_ada", "Ada", 100)).await;
    let ada = profiles.session(token("user_ada", "Ada", 100)).await;
    // The first user had a row, and the second had none.
    for user_id in ["user_ada", "user_eve"] {
        assert_eq!(
            receive(&profiles, "user.deleted", gone(user_id)).await,
            StatusCode::NO_CONTENT
        );
        let late = profiles.authenticate(token(user_id, "Late", 900)).await;
        assert_eq!(late.map(drop), refused(Refusal::UserDeleted));
        for event_type in ["user.created", "user.updated", "user.deleted"] {
            let data = if event_type == "user.deleted" {
                gone(user_id)
            } else {
                user(user_id, "Late", 900)
            };
            assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
            let alive = "SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL";
            assert_eq!(
                profiles.pool.number(alive).await,
                0,
                "{user_id} after {event_type}"
            );
        }
    }
    // The row refuses a session that was verified before.
    let known = profiles.users.sync(&ada).await;
    assert!(matches!(known, Err(SyncError::UserDeleted)), "{known:?}");
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL")
            .await,
        0
    );
    // Clerk's schema does not promise the id of the deleted user.
    let without_id = json!({ "object": "user", "deleted": true });
    assert_eq!(
        receive(&profiles, "user.deleted", without_id).await,
        StatusCode::NO_CONTENT
    );
}

async fn ended_session_is_refused_until_its_tokens_have_expired(database: TestDatabase) {
    let profiles = start(&database).await;
    let bearing = |session: &'static str| token("user_ada", "Ada", 100).claim("sid", session);
    for (event_type, session) in [
        ("session.ended", "sess_1"),
        ("session.removed", "sess_2"),
        ("session.revoked", "sess_3"),
    ] {
        profiles.session(bearing(session)).await;
        let data = session_object(session, "user_ada", "ended", profiles.clock.now());
        assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
        let ended = profiles.authenticate(bearing(session)).await;
        assert_eq!(ended.map(drop), refused(Refusal::SessionEnded), "{event_type}");
    }
    for event_type in ["session.created", "session.pending"] {
        let data = session_object("sess_4", "user_ada", "active", profiles.clock.now());
        assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
    }
    profiles.session(bearing("sess_4")).await;
    // The denial lasts for the longest lifetime of a token: 28 hours by default.
    profiles.clock.advance(Duration::from_secs(28 * 3_600 - 1));
    let ended = profiles.authenticate(bearing("sess_1")).await;
    assert_eq!(ended.map(drop), refused(Refusal::SessionEnded));
    profiles.clock.advance(Duration::from_secs(1));
    profiles.session(bearing("sess_1")).await;
}

async fn banned_locked_or_deprovisioned_user_is_refused_until_an_event_lifts_it(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let profiles: Profiles = Profiles::start_with(
        pool,
        UserSyncBuilder::lockout_ends_sessions,
        UserSyncBuilder::lockout_ends_sessions,
    )
    .await;
    let authenticate = async || {
        let session = profiles.authenticate(token("user_ada", "Ada", 100)).await;
        session.map(drop)
    };
    let mut second = 100;
    for (flag, refusal) in [
        ("banned", Refusal::UserBanned),
        ("locked", Refusal::UserLocked),
        ("deprovisioned", Refusal::UserDeprovisioned),
    ] {
        let mut barred = user("user_ada", "Ada", second);
        barred[flag] = true.into();
        assert_eq!(
            receive(&profiles, "user.updated", barred.clone()).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(authenticate().await, refused(refusal));
        receive(&profiles, "user.updated", user("user_ada", "Ada", second + 1)).await;
        assert_eq!(authenticate().await, Ok(()));
        // The older delivery arrives again.
        receive(&profiles, "user.updated", barred).await;
        assert_eq!(authenticate().await, Ok(()), "{flag}");
        second += 10;
    }
    let mut locked = user("user_ada", "Ada", 900);
    locked["locked"] = true.into();
    locked["lockout_expires_in_seconds"] = 30.into();
    receive(&profiles, "user.updated", locked).await;
    profiles.clock.advance(Duration::from_secs(29));
    assert_eq!(authenticate().await, refused(Refusal::UserLocked));
    profiles.clock.advance(Duration::from_secs(1));
    assert_eq!(authenticate().await, Ok(()));
}

async fn old_ban_is_ignored_however_late_it_arrives(database: TestDatabase) {
    let profiles = start(&database).await;
    let mut banned = user("user_ada", "Ada", 100);
    banned["banned"] = true.into();
    receive(&profiles, "user.updated", user("user_ada", "Ada", 200)).await;
    profiles.clock.advance(Duration::from_secs(3_600));
    receive(&profiles, "user.updated", banned).await;
    profiles.session(token("user_ada", "Ada", 200)).await;
}

async fn kept_row_does_not_survive_a_delivery(database: TestDatabase) {
    let profiles = start(&database).await;
    wait_until_listening(&profiles).await;
    let session = profiles.session(token("user_ada", "Ada", 100)).await;
    let sync = async || profiles.users.sync(&session).await;
    sync().await.expect("it syncs");
    assert_eq!(sync().await.expect("it syncs").outcome, Cached);
    receive(&profiles, "user.updated", user("user_ada", "Grace", 200)).await;
    assert_eq!(
        sync().await.expect("it syncs").user.name.as_deref(),
        Some("Grace")
    );
    assert_eq!(sync().await.expect("it syncs").outcome, Cached);
    receive(&profiles, "user.deleted", gone("user_ada")).await;
    let gone = sync().await;
    assert!(matches!(gone, Err(SyncError::UserDeleted)), "{gone:?}");
}

async fn unique_value_follows_the_rules_of_a_request(database: TestDatabase) {
    settles(database, "CREATE UNIQUE INDEX profiles_email ON profiles (email)").await;
}

/// The constraint refuses a row only when the transaction is committed.
#[tokio::test]
async fn deferred_constraint_follows_the_rules_of_a_request() {
    let constraint =
        "ALTER TABLE profiles ADD CONSTRAINT profiles_email UNIQUE (email) DEFERRABLE INITIALLY DEFERRED";
    settles(TestDatabase::postgres().await, constraint).await;
}

async fn settles(database: TestDatabase, unique: &str) {
    let calls = Calls::default();
    let profiles = hooked(&database, &calls, false).await;
    profiles.pool.execute(unique).await;
    let sharing = |user_id, updated_at| {
        let mut user = user(user_id, user_id, updated_at);
        set_email(&mut user, Some("shared@example.com"));
        user
    };
    // The newer user has the address, for any order of the deliveries. The other user has none.
    for (first, second) in [("user_old", "user_new"), ("user_next", "user_late")] {
        let late = if second == "user_late" { 50 } else { 200 };
        assert_eq!(
            receive(&profiles, "user.created", sharing(first, 100 + late)).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            receive(&profiles, "user.created", sharing(second, 100 + late * 2)).await,
            StatusCode::NO_CONTENT
        );
    }
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 4);
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM profiles WHERE email = 'shared@example.com'")
            .await,
        1
    );
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM received").await,
        4,
        "each is passed to the hook once"
    );
}

async fn delivery_that_cannot_be_applied_is_requested_again(database: TestDatabase) {
    let profiles = start(&database).await;
    // The user chose a value that no row can store, and a repetition of the delivery would fail again.
    let mut odd = user("user_ada", "Ada", 100);
    odd["first_name"] = 7.into();
    let answer = receive(&profiles, "user.created", odd).await;
    assert_eq!(answer, StatusCode::NO_CONTENT);
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 0);
    profiles.pool.execute("DROP TABLE profiles").await;
    let answer = receive(&profiles, "user.created", user("user_ada", "Ada", 100)).await;
    assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE);
}

/// A user whose name is required.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "named",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Named {
    clerk_id: String,
    #[claim(required)]
    name: String,
    #[claim("name", default, insert_only)]
    nickname: String,
    #[column(app)]
    credits: i64,
}

async fn named(database: &TestDatabase) -> Profiles<Named> {
    let pool = Pool::open(database.url(), 5).await;
    let sql = if database.is_sqlite() {
        Named::migration_sql::<sqlx::Sqlite>()
    } else {
        Named::migration_sql::<sqlx::Postgres>()
    };
    pool.execute(&sql).await;
    Profiles::of_table(pool, |builder| builder, |builder| builder).await
}

async fn user_that_the_struct_refuses_has_no_row_and_is_not_a_failure(database: TestDatabase) {
    let profiles = named(&database).await;
    let nameless = user_object("user_ada", Timestamp::from_secs(100));
    assert_eq!(
        receive(&profiles, "user.created", nameless).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM named").await, 0);
}

async fn columns_of_the_application_are_unchanged(database: TestDatabase) {
    let profiles = named(&database).await;
    receive(&profiles, "user.created", user("user_ada", "Ada", 100)).await;
    profiles
        .pool
        .execute("UPDATE named SET credits = 7, nickname = 'Countess'")
        .await;
    receive(&profiles, "user.updated", user("user_ada", "Augusta", 200)).await;
    let bare: SessionToken<'_> = issuer().token("user_ada");
    let row = profiles
        .sync(bare.claim("name", "Augusta").claim("updatedAt", 200))
        .await
        .expect("it syncs")
        .user;
    assert_eq!(
        (&*row.clerk_id, &*row.name, &*row.nickname, row.credits),
        ("user_ada", "Augusta", "Countess", 7)
    );
}

async fn old_deliveries_are_deleted_while_the_process_runs(database: TestDatabase) {
    let profiles = hooked(&database, &Calls::default(), true).await;
    let insert = |prefix: &str, age: &str| {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 250) \
             INSERT INTO clerk_deliveries (id, received_at) SELECT '{prefix}_' || n, {age} FROM n"
        )
    };
    let [old, young] = if database.is_sqlite() {
        ["datetime('now', '-31 days')", "datetime('now', '-29 days')"]
    } else {
        [
            "CURRENT_TIMESTAMP - INTERVAL '31 days'",
            "CURRENT_TIMESTAMP - INTERVAL '29 days'",
        ]
    };
    profiles.pool.execute(&insert("old", old)).await;
    profiles.pool.execute(&insert("young", young)).await;
    let now = profiles.clock.now();
    for (number, left) in [(1, 150), (2, 50), (3, 0), (4, 0)] {
        let data = user("user_ada", "Ada", 100 + number);
        let delivery = SignedDelivery::new(SECRET, &event("user.updated", data, now), now);
        assert_eq!(send(&profiles, &delivery).await.status(), StatusCode::NO_CONTENT);
        let old = "SELECT count(*) FROM clerk_deliveries WHERE id LIKE 'old%'";
        assert_eq!(profiles.pool.number(old).await, left);
        let others = "SELECT count(*) FROM clerk_deliveries WHERE id NOT LIKE 'old%'";
        assert_eq!(profiles.pool.number(others).await, 250 + number);
    }
    let index = match &profiles.pool {
        Pool::Postgres(_) => {
            "SELECT count(*) FROM pg_indexes WHERE indexname = 'clerk_deliveries_received_at'"
        }
        Pool::Sqlite(_) => "SELECT count(*) FROM sqlite_schema WHERE name = 'clerk_deliveries_received_at'",
    };
    assert_eq!(profiles.pool.number(index).await, 1);
}

async fn hook_that_sees_deliveries_once_needs_its_table(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let clerk = issuer().clerk();
    let error = match pool {
        Pool::Postgres(pool) => {
            let builder = UserSync::<clerk_auth_tests::profiles::Profile>::builder(clerk, pool);
            let built = builder
                .on_event_once(|_, _| Box::pin(async { Ok(()) }))
                .build()
                .await;
            built.expect_err("there is no table").to_string()
        }
        Pool::Sqlite(pool) => {
            let builder = UserSync::<clerk_auth_tests::profiles::Profile>::builder(clerk, pool);
            let built = builder
                .on_event_once(|_, _| Box::pin(async { Ok(()) }))
                .build()
                .await;
            built.expect_err("there is no table").to_string()
        }
    };
    let expected = "deliveries cannot be remembered: there is no table `clerk_deliveries`; fix it with";
    assert!(error.contains(expected), "{error}");
}

async fn delivery_is_acknowledged_only_if_its_row_remains_after_the_hooks(database: TestDatabase) {
    let keeps_back = Arc::new(AtomicBool::new(true));
    macro_rules! hooks {
        () => {{
            let (one, other) = (Arc::clone(&keeps_back), Arc::clone(&keeps_back));
            move |builder| {
                let builder: UserSyncBuilder<_, _> = builder;
                builder
                    .on_event(move |connection, _| {
                        let keeps_back = Arc::clone(&one);
                        Box::pin(async move {
                            if keeps_back.load(Ordering::SeqCst) {
                                drop(sqlx::raw_sql("SELECT missing").execute(connection).await);
                            }
                            Ok(())
                        })
                    })
                    .on_delete(move |connection, _| {
                        let keeps_back = Arc::clone(&other);
                        Box::pin(async move {
                            if keeps_back.load(Ordering::SeqCst) {
                                drop(sqlx::raw_sql("SELECT missing").execute(connection).await);
                            }
                            Ok(())
                        })
                    })
            }
        }};
    }
    let pool = Pool::open(database.url(), 5).await;
    // Only PostgreSQL aborts a transaction after a failed statement.
    let is_given_up = matches!(pool, Pool::Postgres(_));
    let refused = if is_given_up {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::NO_CONTENT
    };
    let profiles = Profiles::start_with(pool.clone(), hooks!(), hooks!()).await;
    let live = "SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL";
    let ada = user("user_ada", "Ada", 100);
    assert_eq!(receive(&profiles, "user.created", ada.clone()).await, refused);
    assert_eq!(pool.number(live).await, i64::from(!is_given_up));
    keeps_back.store(false, Ordering::SeqCst);
    assert_eq!(
        receive(&profiles, "user.created", ada).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(pool.number(live).await, 1);

    keeps_back.store(true, Ordering::SeqCst);
    let deleted = json!({ "id": "user_ada", "object": "user", "deleted": true });
    assert_eq!(receive(&profiles, "user.deleted", deleted).await, refused);
    assert_eq!(pool.number(live).await, i64::from(is_given_up));
    let again = profiles.users.delete(&UserId::new("user_ada")).await;
    match again {
        Err(SyncError::OnDelete(_)) => assert!(is_given_up),
        again => assert!(!is_given_up && again.is_ok(), "{again:?}"),
    }
    keeps_back.store(false, Ordering::SeqCst);
    let again = profiles.users.delete(&UserId::new("user_ada")).await;
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(pool.number(live).await, 0);
}

#[tokio::test]
async fn every_process_receives_changes_and_denials() {
    let database = TestDatabase::postgres().await;
    let (one, other) = (Profiles::start(&database).await, Profiles::start(&database).await);
    wait_until_listening(&one).await;
    wait_until_listening(&other).await;
    let ada = token("user_ada", "Ada", 100);
    let session = other.session(ada.clone()).await;
    other.users.sync(&session).await.expect("it syncs");
    assert_eq!(
        other.users.sync(&session).await.expect("it syncs").outcome,
        Cached
    );
    receive(&one, "user.updated", user("user_ada", "Grace", 200)).await;
    until(async || {
        let synced = other.users.sync(&session).await.expect("it syncs");
        synced.user.name.as_deref() == Some("Grace")
    })
    .await;

    let ended = session_object("sess_ada", "user_ada", "ended", one.clock.now());
    receive(&one, "session.ended", ended).await;
    until(async || other.authenticate(ada.clone()).await.map(drop) == refused(Refusal::SessionEnded)).await;

    let mut banned = user("user_ada", "Grace", 300);
    banned["banned"] = true.into();
    receive(&one, "user.updated", banned).await;
    let elsewhere = ada.clone().claim("sid", "sess_2");
    until(async || other.authenticate(elsewhere.clone()).await.map(drop) == refused(Refusal::UserBanned))
        .await;
    receive(&one, "user.updated", user("user_ada", "Grace", 400)).await;
    until(async || other.authenticate(elsewhere.clone()).await.is_ok()).await;

    // A user without a row is refused too.
    receive(&one, "user.deleted", gone("user_eve")).await;
    let eve = token("user_eve", "Eve", 500);
    until(async || other.authenticate(eve.clone()).await.map(drop) == refused(Refusal::UserDeleted)).await;
}

/// Polls a condition until it holds.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < deadline, "no notification was received");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
