//! Tests of `#[claim(unique = "refuse")]`: a value of another row refuses the user, for any versions, and changes no
//! row.

use axum::http::StatusCode;
use clerk_auth::SyncedUser;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{NotImported, SyncError};
use clerk_auth::testing::{FakeClerk, SessionToken, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use serde_json::{Value, json};

on_both_databases!(
    taken_value_is_refused_whatever_the_versions,
    circle_of_three_users_changes_nothing,
    taken_value_is_refused_by_webhook_and_import,
    value_of_a_deleted_user_is_free,
    other_unique_values_are_still_won_by_the_newest,
);

const SHARED: &str = "shared@example.com";

/// A user whose row keeps the e-mail address until the user gives it up.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "subscribers",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.username}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Subscriber {
    clerk_id: String,
    #[claim(unique = "refuse")]
    email: Option<String>,
    name: Option<String>,
}

async fn start(database: &TestDatabase) -> Profiles<Subscriber> {
    let pool = Pool::open(database.url(), 2).await;
    let sql = match &pool {
        Pool::Postgres(_) => <Subscriber as StoredIn<sqlx::Postgres>>::create_table(),
        Pool::Sqlite(_) => <Subscriber as StoredIn<sqlx::Sqlite>>::create_table(),
    };
    pool.execute(&sql).await;
    for column in ["email", "name"] {
        let index = format!("CREATE UNIQUE INDEX subscribers_{column} ON subscribers ({column})");
        pool.execute(&index).await;
    }
    Profiles::of_table(pool, |builder| builder, |builder| builder).await
}

fn subscriber(user_id: &str, email: &str, updated_at: i64) -> SessionToken<'static> {
    token(user_id, user_id, updated_at).claim("email", email)
}

async fn rows(profiles: &Profiles<Subscriber>) -> String {
    let list = match &profiles.pool {
        Pool::Postgres(_) => "string_agg(it, ',' ORDER BY it)",
        Pool::Sqlite(_) => "group_concat(it, ',')",
    };
    let row = "clerk_id || ' ' || coalesce(email, '-') || ' ' || coalesce(name, '-') || ' ' || clerk_version";
    let sql = format!("SELECT {list} FROM (SELECT {row} AS it FROM subscribers ORDER BY clerk_id) AS rows");
    profiles.pool.text(&sql).await.unwrap_or_default()
}

async fn refused(profiles: &Profiles<Subscriber>, token: SessionToken<'_>) {
    let refused = profiles.sync(token).await;
    assert!(
        matches!(&refused, Err(SyncError::Conflict(columns)) if columns == &["email"]),
        "{refused:?}"
    );
}

fn user(user_id: &str, email: &str, updated_at: i64) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(updated_at));
    user["username"] = user_id.into();
    set_email(&mut user, Some(email));
    user
}

async fn taken_value_is_refused_whatever_the_versions(database: TestDatabase) {
    let profiles = start(&database).await;
    let ada = subscriber("user_ada", SHARED, 5);
    profiles.sync(ada).await.expect("it syncs");
    let eve = subscriber("user_eve", "eve@example.com", 5);
    profiles.sync(eve).await.expect("it syncs");
    let before = rows(&profiles).await;
    for updated_at in [4, 5, 6, 9_000] {
        refused(&profiles, subscriber("user_new", SHARED, updated_at)).await;
    }
    for updated_at in [5, 6, 9_000] {
        refused(
            &profiles,
            subscriber("user_eve", SHARED, updated_at).claim("jti", updated_at),
        )
        .await;
    }
    assert_eq!(rows(&profiles).await, before);
    // The holder gives the value up, and the next request of another user gets it.
    let moved = subscriber("user_ada", "ada@example.com", 6);
    profiles.sync(moved).await.expect("it syncs");
    let synced = profiles
        .sync(subscriber("user_new", SHARED, 6))
        .await
        .expect("it is free");
    assert_eq!(synced.user.email.as_deref(), Some(SHARED));
}

async fn circle_of_three_users_changes_nothing(database: TestDatabase) {
    let profiles = start(&database).await;
    let emails = ["a@example.com", "b@example.com", "c@example.com"];
    let ids = ["user_a", "user_b", "user_c"];
    for (user_id, email) in ids.into_iter().zip(emails) {
        profiles
            .sync(subscriber(user_id, email, 5))
            .await
            .expect("it syncs");
    }
    let before = rows(&profiles).await;
    for round in 0..3 {
        for (place, user_id) in ids.into_iter().enumerate() {
            let next = subscriber(user_id, emails[(place + 1) % 3], 8).claim("jti", round);
            refused(&profiles, next).await;
        }
    }
    assert_eq!(rows(&profiles).await, before);
    // A user leaves the circle, and the others get their values.
    profiles
        .sync(subscriber("user_a", "d@example.com", 9))
        .await
        .expect("it syncs");
    for (user_id, email) in [("user_c", "a@example.com"), ("user_b", "c@example.com")] {
        let synced = profiles
            .sync(subscriber(user_id, email, 9))
            .await
            .expect("it is free");
        assert_eq!(synced.user.email.as_deref(), Some(email));
    }
}

async fn taken_value_is_refused_by_webhook_and_import(database: TestDatabase) {
    let profiles = start(&database).await;
    profiles
        .sync(subscriber("user_ada", SHARED, 5))
        .await
        .expect("it syncs");
    let before = rows(&profiles).await;
    let updated = event("user.updated", user("user_eve", SHARED, 9), profiles.clock.now());
    assert_eq!(profiles.receive(&updated).await, StatusCode::NO_CONTENT);
    assert_eq!(rows(&profiles).await, before);
    let fake = FakeClerk::start().await.expect("a port is free");
    fake.publish(issuer().jwks());
    for (user_id, updated_at) in [("user_ada", 5), ("user_eve", 9), ("user_old", 5)] {
        fake.put_user(user(user_id, SHARED, updated_at));
    }
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    let mut import = profiles.users.import(&api);
    let step = import.next().await.expect("there are users").expect("it goes on");
    assert_eq!(step.counts.conflicted, 2, "{step:?}");
    assert!(
        step.not_imported
            .iter()
            .all(|(_, reason)| matches!(reason, NotImported::Conflict(columns) if columns == &["email"])),
        "{step:?}"
    );
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM subscribers WHERE email IS NOT NULL")
            .await,
        1
    );
}

async fn value_of_a_deleted_user_is_free(database: TestDatabase) {
    let profiles = start(&database).await;
    profiles
        .sync(subscriber("user_ada", SHARED, 5))
        .await
        .expect("it syncs");
    let deleted = json!({"id": "user_ada", "object": "user", "deleted": true});
    let deleted = event("user.deleted", deleted, profiles.clock.now());
    assert_eq!(profiles.receive(&deleted).await, StatusCode::NO_CONTENT);
    let synced = profiles
        .sync(subscriber("user_eve", SHARED, 5))
        .await
        .expect("it is free");
    assert_eq!(synced.user.email.as_deref(), Some(SHARED));
}

async fn other_unique_values_are_still_won_by_the_newest(database: TestDatabase) {
    let profiles = start(&database).await;
    let named = |user_id: &str, updated_at| token(user_id, "name", updated_at);
    profiles.sync(named("user_ada", 5)).await.expect("it syncs");
    let synced = profiles
        .sync(named("user_eve", 6))
        .await
        .expect("the newest wins");
    assert_eq!(synced.user.name.as_deref(), Some("name"));
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM subscribers WHERE name IS NULL")
            .await,
        1
    );
}

#[test]
fn rule_is_part_of_the_column() {
    let unique = |columns: &[clerk_auth::row::ClaimColumn]| -> Vec<(&str, bool)> {
        columns
            .iter()
            .map(|column| (column.name, column.unique_in_clerk))
            .collect()
    };
    let expected = vec![("email", false), ("name", true)];
    assert_eq!(
        unique(<Subscriber as StoredIn<sqlx::Postgres>>::CLAIM_COLUMNS),
        expected
    );
    assert_eq!(
        unique(<Subscriber as StoredIn<sqlx::Sqlite>>::CLAIM_COLUMNS),
        expected
    );
}
