//! Tests of a unique value that another row holds: one row gets it, the other user is refused, and no write follows.

mod indexes;
mod tables;
mod versions;

use std::fmt;

use axum::http::StatusCode;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::id::UserId;
use clerk_auth::sync::SyncOutcome::{Inserted, Updated};
use clerk_auth::sync::{NotImported, SyncError};
use clerk_auth::testing::{FakeClerk, SessionToken, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{Session, SyncedUser};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use serde_json::Value;

on_both_databases!(
    value_of_another_claim_is_refused_and_changes_nothing,
    refused_user_is_admitted_once_the_value_is_free,
    refused_change_leaves_the_row_as_it_is,
    deleted_holder_of_another_claim_releases_its_value,
    value_of_another_claim_is_refused_by_webhook_and_import,
    both_users_are_logged_without_values,
);

const SHARED: &str = "shared@example.com";

async fn start(database: &TestDatabase, index: &str) -> Profiles {
    // A single connection suffices: the library never requests a connection while it holds one.
    let profiles = Profiles::start_on(Pool::open(database.url(), 1).await).await;
    profiles.pool.execute(index).await;
    profiles
}

/// Returns the rows and their versions, and on PostgreSQL the transactions that wrote them.
async fn rows(pool: &Pool) -> Option<String> {
    let row = "clerk_id || ' ' || coalesce(email, '-') || ' ' || coalesce(name, '-') || ' ' || clerk_version";
    let (list, written) = match pool {
        Pool::Postgres(_) => (
            "string_agg(it, ',' ORDER BY it)",
            " || ' ' || xmin || ' ' || ctid",
        ),
        Pool::Sqlite(_) => ("group_concat(it, ',')", ""),
    };
    pool.text(&format!(
        "SELECT {list} FROM (SELECT {row}{written} AS it FROM profiles ORDER BY clerk_id) AS rows"
    ))
    .await
}

/// Returns the rows and a count: on PostgreSQL of the attempted insertions, on SQLite of the successful writes.
async fn traces(pool: &Pool) -> (Option<String>, i64) {
    let writes = match pool {
        Pool::Postgres(_) => "SELECT last_value FROM profiles_id_seq",
        Pool::Sqlite(_) => "SELECT count(*) FROM writes",
    };
    (rows(pool).await, pool.number(writes).await)
}

/// Creates triggers that count the writes to the rows, on the database that does not count them itself.
async fn count_writes(pool: &Pool) {
    if let Pool::Sqlite(_) = pool {
        pool.execute("CREATE TABLE writes (what TEXT)").await;
        for what in ["INSERT", "UPDATE", "DELETE"] {
            pool.execute(&format!(
                "CREATE TRIGGER count_{what} AFTER {what} ON profiles BEGIN INSERT INTO writes VALUES ('{what}'); END"
            ))
            .await;
        }
    }
}

async fn value(pool: &Pool, column: &str, user_id: &str) -> Option<String> {
    pool.text(&format!(
        "SELECT {column} FROM profiles WHERE clerk_id = '{user_id}'"
    ))
    .await
}

/// Creates a session for each number, so that no cached row is served.
async fn session(profiles: &Profiles, token: SessionToken<'_>, number: usize) -> Session {
    profiles.session(token.claim("jti", number)).await
}

fn conflict<T: fmt::Debug>(result: Result<T, SyncError>) -> Vec<&'static str> {
    match result {
        Err(SyncError::Conflict(columns)) => columns,
        other => panic!("not a conflict: {other:?}"),
    }
}

async fn receive<U: SyncedUser>(profiles: &Profiles<U>, user: Value) -> StatusCode {
    profiles
        .receive(&event("user.updated", user, profiles.clock.now()))
        .await
}

/// Returns the user object of Clerk for a user who was last changed in this second.
fn user(user_id: &str, name: &str, updated_at: i64) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(updated_at));
    user["first_name"] = name.into();
    user
}

/// Starts a stand-in for Clerk with these users.
async fn clerk(users: impl IntoIterator<Item = Value>) -> (FakeClerk, BackendApi) {
    let fake = FakeClerk::start().await.expect("a port is free");
    fake.publish(issuer().jwks());
    users.into_iter().for_each(|user| fake.put_user(user));
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    (fake, api)
}

const UNIQUE_NAME: &str = "CREATE UNIQUE INDEX profiles_name ON profiles (name)";
const UNIQUE_EMAIL: &str = "CREATE UNIQUE INDEX profiles_email ON profiles (email)";

async fn value_of_another_claim_is_refused_and_changes_nothing(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_NAME).await;
    count_writes(&profiles.pool).await;
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    assert_eq!(
        conflict(profiles.sync(token("user_eve", "Ada", 9)).await),
        ["name"]
    );
    let before = traces(&profiles.pool).await;
    for number in 0..10 {
        let session = session(&profiles, token("user_eve", "Ada", 9), number).await;
        assert_eq!(conflict(profiles.users.sync(&session).await), ["name"]);
    }
    assert_eq!(traces(&profiles.pool).await, before, "somebody has written");
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
    assert_eq!(
        value(&profiles.pool, "name", "user_ada").await.as_deref(),
        Some("Ada")
    );
    // More refusals than the failures that would open the circuit breaker.
    let ada = profiles.sync(token("user_ada", "Ada", 5).claim("jti", 1)).await;
    ada.expect("the holder is not affected");
}

async fn refused_user_is_admitted_once_the_value_is_free(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_NAME).await;
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    conflict(profiles.sync(token("user_eve", "Ada", 9)).await);
    // A request with another value succeeds at once.
    let other = profiles.sync(token("user_eve", "Eve", 10)).await;
    assert_eq!(other.expect("the value is free").outcome, Inserted);
    conflict(profiles.sync(token("user_eve", "Ada", 11)).await);
    conflict(profiles.sync(token("user_eve", "Ada", 11)).await);
    profiles
        .sync(token("user_ada", "Grace", 12))
        .await
        .expect("it syncs");
    let eve = profiles
        .sync(token("user_eve", "Ada", 11))
        .await
        .expect("it is free");
    assert_eq!((eve.outcome, eve.user.name.as_deref()), (Updated, Some("Ada")));
}

async fn refused_change_leaves_the_row_as_it_is(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_NAME).await;
    count_writes(&profiles.pool).await;
    for (user_id, name) in [("user_ada", "Ada"), ("user_eve", "Eve")] {
        profiles.sync(token(user_id, name, 5)).await.expect("it syncs");
    }
    conflict(profiles.sync(token("user_eve", "Ada", 9)).await);
    let before = traces(&profiles.pool).await;
    for number in 0..5 {
        let changed = token("user_eve", "Ada", 9).claim("email", format!("{number}@example.com"));
        conflict(profiles.sync(changed).await);
    }
    assert_eq!(traces(&profiles.pool).await, before);
    assert_eq!(
        value(&profiles.pool, "name", "user_eve").await.as_deref(),
        Some("Eve")
    );
    assert_eq!(
        value(&profiles.pool, "clerk_version || ''", "user_eve")
            .await
            .as_deref(),
        Some("5999")
    );
}

async fn deleted_holder_of_another_claim_releases_its_value(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_NAME).await;
    profiles
        .sync(token("user_gone", "Ada", 9))
        .await
        .expect("it syncs");
    profiles
        .users
        .delete(&UserId::new("user_gone"))
        .await
        .expect("it is deleted");
    let ada = profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("nobody has it");
    assert_eq!((ada.outcome, ada.user.name.as_deref()), (Inserted, Some("Ada")));
    assert_eq!(value(&profiles.pool, "name", "user_gone").await, None);
}

async fn value_of_another_claim_is_refused_by_webhook_and_import(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_NAME).await;
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    let before = rows(&profiles.pool).await;
    receive(&profiles, user("user_eve", "Ada", 9)).await;
    assert_eq!(rows(&profiles.pool).await, before);
    let mut ada = user("user_ada", "Ada", 5);
    set_email(&mut ada, Some("user_ada@example.com"));
    let (_fake, api) = clerk([ada, user("user_eve", "Ada", 9), user("user_mallory", "Ada", 2)]).await;
    let mut import = profiles.users.import(&api);
    let step = import.next().await.expect("there are users").expect("it goes on");
    assert_eq!(step.counts.conflicted, 2, "{step:?}");
    assert!(
        step.not_imported
            .iter()
            .all(|(_, reason)| matches!(reason, NotImported::Conflict(columns) if columns == &["name"])),
        "{step:?}"
    );
    assert_eq!(rows(&profiles.pool).await, before);
}

async fn both_users_are_logged_without_values(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_EMAIL).await;
    profiles.pool.execute(UNIQUE_NAME).await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let shared = |user_id: &str, name, updated_at| token(user_id, name, updated_at).claim("email", SHARED);
    profiles
        .sync(shared("user_old", "Old", 5))
        .await
        .expect("it syncs");
    profiles
        .sync(shared("user_new", "New", 6))
        .await
        .expect("it syncs");
    conflict(profiles.sync(token("user_eve", "New", 7)).await);
    let lines = log.lines();
    for ids in [["user_new", "user_old"], ["user_eve", "user_new"]] {
        let found = lines
            .iter()
            .filter(|line| ids.iter().all(|id| line.contains(id)))
            .count();
        assert_eq!(found, 1, "{ids:?} {lines:#?}");
    }
    assert!(
        lines
            .iter()
            .all(|line| !line.contains(SHARED) && !line.contains("\"New\"")),
        "{lines:#?}"
    );
}
