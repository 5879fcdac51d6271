//! Tests of the tokens of Clerk's edge, whose claims are as old as those of the token that they copy. Such a token
//! never undoes a later change.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::claim::InvalidClaim;
use clerk_auth::routing::webhooks;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted, Updated};
use clerk_auth::testing::{SessionToken, SignedDelivery, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Synced, SyncedUser};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Member, Pool, Profile, Profiles, issuer, token};
use serde_json::{Value, json};
use tokio::time::sleep;
use tower::ServiceExt;

on_both_databases!(
    copied_claims_do_not_undo_a_webhook,
    chain_of_copies_is_as_old_as_its_first_token,
    copied_claims_do_not_undo_a_newer_token,
    row_inserted_from_copied_claims_takes_a_webhook_that_comes_late,
    row_in_memory_is_not_replaced_by_copied_claims,
    copied_claims_do_not_take_a_unique_value,
    copied_claims_do_not_bring_a_deleted_user_back,
    claims_without_updated_at_are_as_old_as_they_were_read,
    oiat_that_is_later_than_iat_does_not_win,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const MINUTE: Duration = Duration::from_secs(60);

/// A user with a role of the application's own, which its administrators set in Clerk.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{
        "email": "{{user.primary_email_address}}",
        "role": "{{user.public_metadata.role}}",
        "updatedAt": "{{user.updated_at}}"
    }"#,
    database(postgres, sqlite)
)]
struct Person {
    clerk_id: String,
    email: Option<String>,
    #[claim(with = role)]
    role: Option<String>,
}

/// A user like [`Person`], without the time of the user's change.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"email": "{{user.primary_email_address}}", "role": "{{user.public_metadata.role}}"}"#,
    version = "iat",
    database(postgres, sqlite)
)]
struct Undated {
    clerk_id: String,
    email: Option<String>,
    #[claim(with = role)]
    role: Option<String>,
}

/// Metadata can be of any type.
fn role(role: Option<&Value>) -> Result<Option<String>, InvalidClaim> {
    Ok(role.and_then(Value::as_str).map(str::to_owned))
}

trait Stored: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite> + Clone + Debug {}

impl<U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite> + Clone + Debug> Stored for U {}

/// Starts a process on the database, with a clock at the beginning of a second.
async fn start<U: Stored>(database: &TestDatabase) -> Profiles<U> {
    let pool = Pool::open(database.url(), 5).await;
    let tables = match pool {
        Pool::Postgres(_) => U::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => U::migration_sql::<sqlx::Sqlite>(),
    };
    pool.execute(&tables.replace("CREATE TABLE \"", "CREATE TABLE IF NOT EXISTS \""))
        .await;
    let profiles: Profiles<U> = Profiles::of_table(pool, |builder| builder, |builder| builder).await;
    let into_second = u64::try_from(profiles.clock.now().as_millis() % 1_000).expect("a remainder");
    profiles.clock.advance(Duration::from_millis(1_000 - into_second));
    profiles
}

/// Creates a token of Clerk's origin for a user who was last changed in this second.
fn origin(user_id: &str, email: &str, role: &str, updated_at: i64) -> SessionToken<'static> {
    issuer()
        .token(user_id)
        .claim("email", email)
        .claim("role", role)
        .claim("updatedAt", updated_at)
}

/// Returns the text of a token that is minted now.
fn signed<U: SyncedUser>(profiles: &Profiles<U>, token: SessionToken<'_>) -> String {
    token.issued_at(profiles.clock.now()).sign()
}

/// Sends a request a minute later, with a token of the edge that copies this one.
async fn edge_request<U: SyncedUser>(profiles: &Profiles<U>, earlier: &str) -> Result<Synced<U>, SyncError> {
    profiles.clock.advance(MINUTE);
    profiles.sync(issuer().edge_token(earlier)).await
}

fn user(user_id: &str, email: &str, role: &str, updated_at: Timestamp) -> Value {
    let mut user = user_object(user_id, updated_at);
    set_email(&mut user, Some(email));
    user["public_metadata"] = json!({ "role": role });
    user
}

async fn receive<U: SyncedUser>(profiles: &Profiles<U>, event_type: &str, data: &Value) {
    let now = profiles.clock.now();
    let delivery = SignedDelivery::new(SECRET, &event(event_type, data.clone(), now), now);
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let response = router.oneshot(delivery.request("/")).await.expect("it answers");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

/// Returns the e-mail address and the role in a row.
async fn stored<U: SyncedUser>(profiles: &Profiles<U>, user_id: &str) -> Option<String> {
    let sql = format!("SELECT email || ' ' || role FROM people WHERE clerk_id = '{user_id}'");
    profiles.pool.text(&sql).await
}

async fn version<U: SyncedUser>(profiles: &Profiles<U>) -> i64 {
    profiles
        .pool
        .number("SELECT max(clerk_version) FROM people")
        .await
}

/// A token of the edge, a token of the origin and a webhook share a second. In this second the e-mail address changes
/// and a role is removed.
async fn copied_claims_do_not_undo_a_webhook(database: TestDatabase) {
    let people = start::<Person>(&database).await;
    let second = people.clock.now();
    let admin = origin("user_ada", "old@example.com", "admin", second.as_secs());
    let first = signed(&people, admin.clone());
    assert_eq!(people.sync(admin).await.expect("it syncs").outcome, Inserted);

    let changed_at = second + Duration::from_millis(700);
    let change = user("user_ada", "new@example.com", "member", changed_at);
    receive(&people, "user.updated", &change).await;
    // Another process, which has received no event, reads the row.
    let other = start::<Person>(&database).await;
    for process in [&people, &other, &people] {
        let synced = edge_request(process, &first).await.expect("it syncs").user;
        assert_eq!(synced.email.as_deref(), Some("new@example.com"));
        assert_eq!(synced.role.as_deref(), Some("member"));
        receive(process, "user.updated", &change).await;
        let row = stored(process, "user_ada").await;
        assert_eq!(row.as_deref(), Some("new@example.com member"));
        assert_eq!(version(process).await, changed_at.as_millis());
    }

    // The token of the origin contains the change, and wins; so does its copy.
    people.clock.advance(MINUTE);
    let owner = origin("user_ada", "newest@example.com", "owner", second.as_secs() + 30);
    let renewed = signed(&people, owner);
    let synced = edge_request(&people, &renewed).await.expect("it syncs");
    assert_eq!(
        (synced.outcome, synced.user.role.as_deref()),
        (Updated, Some("owner"))
    );
    let synced = edge_request(&people, &first).await.expect("it syncs").user;
    assert_eq!(synced.role.as_deref(), Some("owner"));
}

/// Each token copies the one before it. The change came in the second in which the claims were read, but after the
/// read.
async fn chain_of_copies_is_as_old_as_its_first_token(database: TestDatabase) {
    let people = start::<Person>(&database).await;
    let begun = people.clock.now();
    let first = signed(
        &people,
        origin("user_ada", "old@example.com", "admin", begun.as_secs()),
    );
    edge_request(&people, &first).await.expect("it syncs");
    let second = signed(&people, issuer().edge_token(&first));
    people.clock.advance(MINUTE);
    let changed_at = begun + Duration::from_millis(1);
    let change = user("user_ada", "new@example.com", "member", changed_at);
    receive(&people, "user.updated", &change).await;
    let third = signed(&people, issuer().edge_token(&second));
    for earlier in [&second, &third, &first, &third] {
        let synced = edge_request(&people, earlier).await.expect("it syncs").user;
        assert_eq!(synced.role.as_deref(), Some("member"));
    }
    let row = stored(&people, "user_ada").await;
    assert_eq!(row.as_deref(), Some("new@example.com member"));
    assert_eq!(version(&people).await, changed_at.as_millis());
}

/// The row is newer even without a webhook. The claims of the later token were read after the end of the second in
/// which the first token was minted.
async fn copied_claims_do_not_undo_a_newer_token(database: TestDatabase) {
    let people = start::<Person>(&database).await;
    let begun = people.clock.now().as_secs();
    let first = signed(&people, origin("user_ada", "old@example.com", "admin", begun));
    edge_request(&people, &first).await.expect("it syncs");
    let newer = signed(&people, origin("user_ada", "new@example.com", "member", begun));
    edge_request(&people, &newer).await.expect("it syncs");
    for _ in 0..2 {
        let synced = edge_request(&people, &first).await.expect("it syncs").user;
        assert_eq!(synced.email.as_deref(), Some("new@example.com"));
    }
    let row = stored(&people, "user_ada").await;
    assert_eq!(row.as_deref(), Some("new@example.com member"));
}

/// The first event of a user is a token of the edge, minted after the change that it lacks.
async fn row_inserted_from_copied_claims_takes_a_webhook_that_comes_late(database: TestDatabase) {
    let people = start::<Person>(&database).await;
    let second = people.clock.now();
    let first = signed(
        &people,
        origin("user_ada", "old@example.com", "admin", second.as_secs()),
    );
    let synced = edge_request(&people, &first).await.expect("it syncs");
    assert_eq!(synced.outcome, Inserted);
    assert_eq!(version(&people).await, second.as_millis());
    let changed_at = second + Duration::from_millis(700);
    let change = user("user_ada", "new@example.com", "member", changed_at);
    receive(&people, "user.updated", &change).await;
    let row = stored(&people, "user_ada").await;
    assert_eq!(row.as_deref(), Some("new@example.com member"));
}

async fn row_in_memory_is_not_replaced_by_copied_claims(database: TestDatabase) {
    let people = start::<Person>(&database).await;
    let second = people.clock.now();
    let first = signed(
        &people,
        origin("user_ada", "old@example.com", "admin", second.as_secs()),
    );
    let change = user(
        "user_ada",
        "new@example.com",
        "member",
        second + Duration::from_millis(700),
    );
    receive(&people, "user.created", &change).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let synced = edge_request(&people, &first).await.expect("it syncs");
        assert_eq!(synced.user.role.as_deref(), Some("member"));
        // The row comes from the cache, for another copy of the claims.
        let again = people.sync(issuer().edge_token(&first)).await.expect("it syncs");
        assert_eq!(again.user, synced.user);
        if again.outcome == Cached {
            break;
        }
        assert!(Instant::now() < deadline, "no row is kept");
        sleep(Duration::from_millis(2)).await;
    }
    let row = stored(&people, "user_ada").await;
    assert_eq!(row.as_deref(), Some("new@example.com member"));
}

/// The holder of an address gave it up before the other user took it, and has no row yet.
async fn copied_claims_do_not_take_a_unique_value(database: TestDatabase) {
    let people = start::<Person>(&database).await;
    people
        .pool
        .execute("CREATE UNIQUE INDEX people_email ON people (email)")
        .await;
    let second = people.clock.now();
    let shared = "shared@example.com";
    let before = signed(&people, origin("user_eve", shared, "member", second.as_secs()));
    let taken_at = second + Duration::from_millis(800);
    let ada = user("user_ada", shared, "admin", taken_at);
    receive(&people, "user.updated", &ada).await;
    // For any outcome of the other user's request, the value stays in its row.
    drop(edge_request(&people, &before).await);
    let row = stored(&people, "user_ada").await;
    assert_eq!(row.as_deref(), Some("shared@example.com admin"));
    assert_eq!(stored_count(&people, shared).await, 1);
}

async fn stored_count<U: SyncedUser>(profiles: &Profiles<U>, email: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM people WHERE email = '{email}'");
    profiles.pool.number(&sql).await
}

async fn copied_claims_do_not_bring_a_deleted_user_back(database: TestDatabase) {
    deleted_user_stays_deleted::<Profile>(&database, "profiles WHERE clerk_deleted_at IS NULL").await;
    deleted_user_stays_deleted::<Member>(&database, "members").await;
}

async fn deleted_user_stays_deleted<U: Stored>(database: &TestDatabase, live: &str) {
    let people = start::<U>(database).await;
    let updated_at = people.clock.now().as_secs() - 600;
    let user_id = format!("user_{}", U::TABLE);
    let first = signed(&people, token(&user_id, "Ada", updated_at));
    edge_request(&people, &first).await.expect("it syncs");
    let gone = json!({ "id": user_id, "object": "user", "deleted": true });
    receive(&people, "user.deleted", &gone).await;
    // A process without events and state.
    let other = start::<U>(database).await;
    let second = signed(&other, issuer().edge_token(&first));
    for earlier in [&first, &second] {
        let refused = edge_request(&other, earlier).await;
        assert!(matches!(refused, Err(SyncError::UserDeleted)), "{refused:?}");
        let sql = format!("SELECT count(*) FROM {live}");
        assert_eq!(other.pool.number(&sql).await, 0);
    }
}

/// The structs have `version = "iat"`.
async fn claims_without_updated_at_are_as_old_as_they_were_read(database: TestDatabase) {
    let people = start::<Undated>(&database).await;
    let second = people.clock.now();
    let admin = origin("user_ada", "old@example.com", "admin", 0);
    let first = signed(&people, admin.clone());
    people.sync(admin).await.expect("it syncs");
    let changed_at = second + Duration::from_millis(700);
    let change = user("user_ada", "new@example.com", "member", changed_at);
    receive(&people, "user.updated", &change).await;
    let mut earlier = first.clone();
    for _ in 0..3 {
        let synced = edge_request(&people, &earlier).await.expect("it syncs").user;
        assert_eq!(synced.email.as_deref(), Some("new@example.com"));
        assert_eq!(version(&people).await, changed_at.as_millis());
        earlier = signed(&people, issuer().edge_token(&earlier));
    }
    // Claims of a later read win over both, and over every copy of the first.
    let renewed_at = people.clock.now();
    let owner = origin("user_ada", "newest@example.com", "owner", 0);
    let synced = people.sync(owner).await.expect("it syncs");
    assert_eq!(synced.outcome, Updated);
    assert_eq!(version(&people).await, renewed_at.as_millis());
    for earlier in [&first, &earlier] {
        let synced = edge_request(&people, earlier).await.expect("it syncs").user;
        assert_eq!(synced.role.as_deref(), Some("owner"));
    }
    assert_eq!(
        stored(&people, "user_ada").await.as_deref(),
        Some("newest@example.com owner")
    );
}

/// An `oiat` in the future does not make claims newer than their token.
async fn oiat_that_is_later_than_iat_does_not_win(database: TestDatabase) {
    let people = start::<Undated>(&database).await;
    let now = people.clock.now();
    let later = origin("user_ada", "old@example.com", "admin", 0).claims_read_at(now + 60 * MINUTE);
    people.sync(later).await.expect("it syncs");
    assert_eq!(version(&people).await, now.as_millis());
    let change = user(
        "user_ada",
        "new@example.com",
        "member",
        now + Duration::from_millis(1),
    );
    receive(&people, "user.updated", &change).await;
    let row = stored(&people, "user_ada").await;
    assert_eq!(row.as_deref(), Some("new@example.com member"));
}
