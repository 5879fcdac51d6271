//! Tests that a delivery of Clerk causes all of its effects or none: rows, denials and the application's own writes.

mod denials;
mod hooks;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{Response, StatusCode};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted};
use clerk_auth::sync::{CREATE_DELIVERIES, SyncError};
use clerk_auth::testing::{SessionToken, SignedDelivery, event, session_object, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{SyncedRow, SyncedUser};
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
    version_is_never_raised_over_older_claims,
    kept_row_does_not_survive_a_delivery,
    unique_value_follows_the_rules_of_a_request,
    delivery_that_cannot_be_applied_is_requested_again,
    user_that_the_struct_refuses_has_no_row_and_is_not_a_failure,
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
