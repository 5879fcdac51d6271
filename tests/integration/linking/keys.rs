//! Keys of other types and other claims.

use clerk_auth::SyncedUser;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Linked, Unchanged, Updated};
use clerk_auth::testing::event;
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{process, start, synced, token};

on_both_databases!(
    key_of_the_wrong_type_refuses_a_new_user,
    key_with_the_clerk_id_as_fallback_is_the_id_of_new_users,
    key_in_public_metadata_is_a_number_or_text,
    uuid_is_a_key,
    tombstone_keeps_a_deleted_user_from_linking,
);

/// The claim that Clerk's migration guide recommends.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "guests",
    template_json = r#"{"userId": "{{user.external_id || user.id}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(id),
    database(postgres, sqlite)
)]
struct Guest {
    #[claim("userId")]
    id: String,
    clerk_id: String,
    name: Option<String>,
}

/// A key that the application writes, in metadata of any JSON.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "patrons",
    template_json = r#"{"legacy": "{{user.public_metadata.legacy.id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(number = "legacy"),
    tombstones = "former_patrons",
    database(postgres, sqlite)
)]
struct Patron {
    clerk_id: String,
    #[column(app)]
    number: Option<i64>,
}

#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "visitors",
    template_json = r#"{"key": "{{user.external_id || user.id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(reference = "key"),
    database(postgres, sqlite)
)]
struct Visitor {
    clerk_id: String,
    #[column(app)]
    reference: Option<Uuid>,
}

/// Creates the table with the library's own statement, which passes the library's check.
async fn own_table<U>(database: &TestDatabase) -> Profiles<U>
where
    U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
{
    let pool = Pool::open(database.url(), 4).await;
    let sql = match &pool {
        Pool::Postgres(_) => U::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => U::migration_sql::<sqlx::Sqlite>(),
    };
    pool.execute(&sql).await;
    process(pool).await
}

async fn key_of_the_wrong_type_refuses_a_new_user(database: TestDatabase) {
    let profiles = start(&database).await;
    for key in [
        json!("three"),
        json!("3.0"),
        json!("9223372036854775808"),
        json!(" 3"),
    ] {
        let refused = profiles.sync(token("user_ada", key.clone(), 5)).await;
        let Err(SyncError::Claims(claims)) = refused else {
            panic!("{key}: {refused:?}");
        };
        assert_eq!(claims.problems().len(), 1);
        assert_eq!(claims.problems()[0].0, "externalId");
    }
    // The template declares text, so a number comes from another template.
    let refused = profiles.sync(token("user_ada", 3, 5)).await;
    assert!(matches!(refused, Err(SyncError::Claims(_))), "{refused:?}");
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM customers WHERE clerk_id IS NULL")
            .await,
        10
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM customers").await, 10);
}

fn guest(user_id: &str, key: &str) -> clerk_auth::testing::SessionToken<'static> {
    let token = issuer().token(user_id);
    token
        .claim("userId", key)
        .claim("name", "New")
        .claim("updatedAt", 5)
}

async fn key_with_the_clerk_id_as_fallback_is_the_id_of_new_users(database: TestDatabase) {
    let profiles: Profiles<Guest> = own_table(&database).await;
    profiles
        .pool
        .execute("INSERT INTO guests (id, name) VALUES ('g1', 'One'), ('g2', 'Two'), ('user_early', 'Early')")
        .await;
    let (outcome, user) = synced(&profiles, guest("user_ada", "g1")).await;
    assert_eq!(
        (outcome, user.id.as_str(), user.name.as_deref()),
        (Linked, "g1", Some("New"))
    );
    let (outcome, user) = synced(&profiles, guest("user_new", "user_new")).await;
    assert_eq!((outcome, user.id.as_str()), (Inserted, "user_new"));
    let (outcome, user) = synced(&profiles, guest("user_early", "user_early")).await;
    assert_eq!((outcome, user.id.as_str()), (Linked, "user_early"));
    // A later external id neither changes the column, nor links another row.
    let (outcome, user) = synced(&profiles, guest("user_new", "g2")).await;
    assert_eq!((outcome, user.id.as_str()), (Unchanged, "user_new"));
    let changed = guest("user_new", "g2")
        .claim("name", "Changed")
        .claim("updatedAt", 6);
    let (outcome, user) = synced(&profiles, changed).await;
    assert_eq!(
        (outcome, user.id.as_str(), user.name.as_deref()),
        (Updated, "user_new", Some("Changed"))
    );
    let mut imported = super::user("user_new", Some("g2"), 7);
    imported["first_name"] = "Imported".into();
    let (_fake, api) = super::clerk([imported]).await;
    let counts = profiles.users.import(&api).run().await.expect("it runs");
    assert_eq!((counts.updated, counts.linked), (1, 0));
    let kept =
        "SELECT count(*) FROM guests WHERE id = 'user_new' AND clerk_id = 'user_new' AND name = 'Imported'";
    assert_eq!(profiles.pool.number(kept).await, 1);
    // No user gets the row of another by an external id that is the other's Clerk id.
    let refused = profiles.sync(guest("user_eve", "user_new")).await;
    assert!(
        matches!(&refused, Err(SyncError::LinkConflict { holder: Some(holder) }) if &**holder == "user_new"),
        "{refused:?}"
    );
    let created = event(
        "user.created",
        super::user("user_two", Some("g2"), 9),
        profiles.clock.now(),
    );
    assert!(profiles.receive(&created).await.is_success());
    let linked = "SELECT count(*) FROM guests WHERE id = 'g2' AND clerk_id = 'user_two'";
    assert_eq!(profiles.pool.number(linked).await, 1);
}

fn patron(user_id: &str, key: Value) -> clerk_auth::testing::SessionToken<'static> {
    issuer().token(user_id).claim("legacy", key).claim("updatedAt", 5)
}

async fn key_in_public_metadata_is_a_number_or_text(database: TestDatabase) {
    let profiles: Profiles<Patron> = own_table(&database).await;
    profiles
        .pool
        .execute("INSERT INTO patrons (number) VALUES (1), (2), (3)")
        .await;
    for (user_id, key, expected) in [("user_1", json!(1), 1), ("user_2", json!("2"), 2)] {
        let (outcome, user) = synced(&profiles, patron(user_id, key)).await;
        assert_eq!((outcome, user.number), (Linked, Some(expected)));
    }
    for key in [
        json!(3.0),
        json!(true),
        json!([3]),
        json!({"id": 3}),
        json!("{{user.id}}"),
    ] {
        let refused = profiles.sync(patron("user_3", key.clone())).await;
        assert!(matches!(refused, Err(SyncError::Claims(_))), "{key}: {refused:?}");
    }
    for user_id in ["user_4", "user_5"] {
        let (outcome, user) = synced(&profiles, patron(user_id, Value::Null)).await;
        assert_eq!((outcome, user.number), (Inserted, None));
    }
    assert_eq!(profiles.pool.number("SELECT count(*) FROM patrons").await, 5);
    let mut three = super::user("user_3", None, 9);
    three["public_metadata"] = json!({"legacy": {"id": 3}});
    let created = event("user.created", three, profiles.clock.now());
    assert!(profiles.receive(&created).await.is_success());
    let linked = "SELECT count(*) FROM patrons WHERE number = 3 AND clerk_id = 'user_3'";
    assert_eq!(profiles.pool.number(linked).await, 1);
}

async fn uuid_is_a_key(database: TestDatabase) {
    let profiles: Profiles<Visitor> = own_table(&database).await;
    let key = Uuid::from_u128(7);
    let value = match &profiles.pool {
        Pool::Postgres(_) => format!("'{key}'"),
        Pool::Sqlite(_) => format!("X'{}'", key.simple()),
    };
    profiles
        .pool
        .execute(&format!("INSERT INTO visitors (reference) VALUES ({value})"))
        .await;
    let visitor = |user_id: &str, key: &str| issuer().token(user_id).claim("key", key).claim("updatedAt", 5);
    // Without an external id, the claim is the Clerk user id, which this type cannot hold.
    let (outcome, user) = synced(&profiles, visitor("user_new", "user_new")).await;
    assert_eq!((outcome, user.reference), (Inserted, None));
    let (outcome, user) = synced(&profiles, visitor("user_ada", &key.to_string().to_uppercase())).await;
    assert_eq!((outcome, user.reference), (Linked, Some(key)));
    let refused = profiles.sync(visitor("user_eve", "user_ada")).await;
    assert!(matches!(refused, Err(SyncError::Claims(_))), "{refused:?}");
}

async fn tombstone_keeps_a_deleted_user_from_linking(database: TestDatabase) {
    let profiles: Profiles<Patron> = own_table(&database).await;
    profiles
        .pool
        .execute("INSERT INTO former_patrons (clerk_id) VALUES ('user_gone')")
        .await;
    profiles
        .pool
        .execute("INSERT INTO patrons (number) VALUES (1)")
        .await;
    let refused = profiles.sync(patron("user_gone", json!(1))).await;
    assert!(matches!(refused, Err(SyncError::UserDeleted)), "{refused:?}");
    let mut gone = super::user("user_gone", None, 9);
    gone["public_metadata"] = json!({"legacy": {"id": 1}});
    let created = event("user.created", gone.clone(), profiles.clock.now());
    assert!(profiles.receive(&created).await.is_success());
    let (_fake, api) = super::clerk([gone]).await;
    let counts = profiles.users.import(&api).run().await.expect("it runs");
    assert_eq!((counts.linked, counts.skipped), (0, 1));
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM patrons WHERE clerk_id IS NULL")
            .await,
        1
    );
    // After a deletion the row is gone, so that another user with the key is new.
    let (_, user) = synced(&profiles, patron("user_ada", json!(1))).await;
    assert_eq!(user.number, Some(1));
    let deleted = json!({"id": "user_ada", "object": "user", "deleted": true});
    let deleted = event("user.deleted", deleted, profiles.clock.now());
    assert!(profiles.receive(&deleted).await.is_success());
    assert_eq!(profiles.pool.number("SELECT count(*) FROM patrons").await, 0);
    let (outcome, user) = synced(&profiles, patron("user_eve", json!(1))).await;
    assert_eq!((outcome, user.number), (Inserted, None));
}
