//! Tests of a second unique column, such as the e-mail address: no user is locked out, and no row changes its user.

use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Updated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};

on_both_databases!(
    newer_row_takes_the_value_and_the_older_becomes_null,
    older_change_is_stored_without_the_value,
    deleted_holder_releases_its_value_whatever_its_version,
    case_insensitive_index_is_resolved,
    partial_index_is_resolved,
    row_outside_a_partial_index_is_unchanged,
    column_that_cannot_be_null_is_a_conflict,
);

const UNIQUE: &str = "CREATE UNIQUE INDEX profiles_email ON profiles (email)";

async fn start(database: &TestDatabase, index: &str) -> Profiles {
    // A single connection suffices: the library never requests a connection while it holds one.
    let profiles = Profiles::start_on(Pool::open(database.url(), 1).await).await;
    profiles.pool.execute(index).await;
    profiles
}

async fn email(profiles: &Profiles, user_id: &str) -> Option<String> {
    let sql = format!("SELECT email FROM profiles WHERE clerk_id = '{user_id}'");
    profiles.pool.text(&sql).await
}

async fn newer_row_takes_the_value_and_the_older_becomes_null(database: TestDatabase) {
    let profiles = start(&database, UNIQUE).await;
    let shared = "shared@example.com";
    profiles
        .sync(token("user_old", "Old", 5).claim("email", shared))
        .await
        .expect("it syncs");
    let new = profiles
        .sync(token("user_new", "New", 6).claim("email", shared))
        .await;
    let new = new.expect("no user is locked out");
    assert_eq!((new.outcome, new.user.email.as_deref()), (Inserted, Some(shared)));
    assert_eq!(email(&profiles, "user_old").await, None);
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM profiles").await,
        2,
        "rows are never merged"
    );
}

async fn older_change_is_stored_without_the_value(database: TestDatabase) {
    let profiles = start(&database, UNIQUE).await;
    let shared = "shared@example.com";
    profiles
        .sync(token("user_new", "New", 6).claim("email", shared))
        .await
        .expect("it syncs");
    for _ in 0..2 {
        let old = profiles
            .sync(token("user_old", "Old", 5).claim("email", shared))
            .await;
        let old = old.expect("no user is locked out").user;
        assert_eq!((old.email, old.name.as_deref()), (None, Some("Old")));
    }
    assert_eq!(email(&profiles, "user_new").await.as_deref(), Some(shared));
    // The holder changes its value, and another user can claim the old one.
    profiles
        .sync(token("user_new", "New", 7))
        .await
        .expect("it syncs");
    let old = profiles
        .sync(token("user_old", "Old", 8).claim("email", shared))
        .await
        .expect("it syncs");
    assert_eq!((old.outcome, old.user.email.as_deref()), (Updated, Some(shared)));
}

async fn deleted_holder_releases_its_value_whatever_its_version(database: TestDatabase) {
    let profiles = start(&database, UNIQUE).await;
    let shared = "shared@example.com";
    profiles
        .sync(token("user_gone", "Gone", 9).claim("email", shared))
        .await
        .expect("it syncs");
    profiles
        .pool
        .execute("UPDATE profiles SET clerk_deleted_at = CURRENT_TIMESTAMP")
        .await;
    let new = profiles
        .sync(token("user_new", "New", 6).claim("email", shared))
        .await;
    assert_eq!(
        new.expect("no user is locked out").user.email.as_deref(),
        Some(shared)
    );
}

async fn case_insensitive_index_is_resolved(database: TestDatabase) {
    let profiles = start(
        &database,
        "CREATE UNIQUE INDEX profiles_email ON profiles (lower(email))",
    )
    .await;
    profiles
        .sync(token("user_old", "Old", 5).claim("email", "Ada@Example.com"))
        .await
        .expect("it syncs");
    let new = profiles
        .sync(token("user_new", "New", 6).claim("email", "ada@example.com"))
        .await;
    assert_eq!(
        new.expect("no user is locked out").user.email.as_deref(),
        Some("ada@example.com")
    );
    assert_eq!(email(&profiles, "user_old").await, None);
}

async fn partial_index_is_resolved(database: TestDatabase) {
    let index = "CREATE UNIQUE INDEX profiles_email ON profiles (email) WHERE clerk_deleted_at IS NULL";
    let profiles = start(&database, index).await;
    let shared = "shared@example.com";
    profiles
        .sync(token("user_gone", "Gone", 9).claim("email", shared))
        .await
        .expect("it syncs");
    profiles
        .pool
        .execute("UPDATE profiles SET clerk_deleted_at = CURRENT_TIMESTAMP")
        .await;
    profiles
        .sync(token("user_old", "Old", 5).claim("email", shared))
        .await
        .expect("it syncs");
    assert_eq!(
        email(&profiles, "user_gone").await.as_deref(),
        Some(shared),
        "the index does not cover it"
    );
    profiles
        .sync(token("user_new", "New", 6).claim("email", shared))
        .await
        .expect("no user is locked out");
    assert_eq!(email(&profiles, "user_gone").await.as_deref(), Some(shared));
    assert_eq!(email(&profiles, "user_old").await, None);
}

async fn row_outside_a_partial_index_is_unchanged(database: TestDatabase) {
    let profiles = start(&database, UNIQUE).await;
    profiles
        .sync(token("user_namesake", "Ada", 1))
        .await
        .expect("it syncs");
    profiles
        .sync(token("user_old", "Ada", 5).claim("email", "shared@example.com"))
        .await
        .expect("it syncs");
    profiles
        .sync(token("user_new", "Ada", 6).claim("email", "shared@example.com"))
        .await
        .expect("it syncs");
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM profiles WHERE name = 'Ada'")
            .await,
        3
    );
    assert_eq!(
        email(&profiles, "user_namesake").await.as_deref(),
        Some("user_namesake@example.com")
    );
}

async fn column_that_cannot_be_null_is_a_conflict(database: TestDatabase) {
    // The index contains no claim column, so the holder's row cannot give up its value.
    let profiles = start(
        &database,
        "CREATE UNIQUE INDEX profiles_version ON profiles (clerk_version)",
    )
    .await;
    profiles
        .sync(token("user_old", "Old", 5))
        .await
        .expect("it syncs");
    let conflict = profiles.sync(token("user_new", "New", 5)).await;
    assert!(matches!(conflict, Err(SyncError::Conflict(_))), "{conflict:?}");
}

/// Starts a process that writes with one statement, or in a transaction with a hook that invites the user.
async fn deferred(database: &TestDatabase, column: &str, has_hook: bool) -> Profiles {
    let pool = Pool::open(database.url(), 1).await;
    for sql in [
        &*format!("ALTER TABLE profiles ADD CONSTRAINT profiles_unique UNIQUE ({column}) {DEFERRED}"),
        &format!("CREATE TABLE invitations (email TEXT, CONSTRAINT invited UNIQUE (email) {DEFERRED})"),
    ] {
        pool.execute(sql).await;
    }
    if !has_hook {
        return Profiles::start_on(pool).await;
    }
    Profiles::start_with(
        pool,
        |builder| {
            builder.on_insert(|connection, profile| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO invitations (email) VALUES ($1)")
                        .bind(&profile.email)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
        },
        |builder| builder,
    )
    .await
}

const DEFERRED: &str = "DEFERRABLE INITIALLY DEFERRED";

/// The constraint refuses the row only at the commit.
#[tokio::test]
async fn deferred_constraint_is_resolved() {
    for has_hook in [false, true] {
        let database = TestDatabase::postgres().await;
        let profiles = deferred(&database, "email", has_hook).await;
        let shared = "shared@example.com";
        profiles
            .sync(token("user_new", "New", 6).claim("email", shared))
            .await
            .expect("it syncs");
        let old = profiles
            .sync(token("user_old", "Old", 5).claim("email", shared))
            .await;
        let old = old.expect("no user is locked out");
        assert_eq!((old.outcome, old.user.email), (Inserted, None));
        let newest = profiles
            .sync(token("user_old", "Old", 7).claim("email", shared))
            .await;
        let newest = newest.expect("no user is locked out");
        assert_eq!(
            (newest.outcome, newest.user.email.as_deref()),
            (Updated, Some(shared))
        );
        assert_eq!(email(&profiles, "user_new").await, None);
    }
}

#[tokio::test]
async fn deferred_constraint_on_a_required_column_is_a_conflict() {
    for has_hook in [false, true] {
        let database = TestDatabase::postgres().await;
        let profiles = deferred(&database, "clerk_version", has_hook).await;
        profiles
            .sync(token("user_old", "Old", 5))
            .await
            .expect("it syncs");
        // More attempts than the failures of the database that open the circuit breaker.
        for _ in 0..5 {
            let conflict = profiles.sync(token("user_new", "New", 5)).await;
            assert!(matches!(conflict, Err(SyncError::Conflict(_))), "{conflict:?}");
        }
    }
}

/// A conflict of the hook's own writes is not a conflict of the user's row.
#[tokio::test]
async fn deferred_constraint_of_the_hook_is_not_a_conflict() {
    let database = TestDatabase::postgres().await;
    let profiles = deferred(&database, "id", true).await;
    let shared = "shared@example.com";
    profiles
        .sync(token("user_old", "Old", 5).claim("email", shared))
        .await
        .expect("it syncs");
    let failed = profiles
        .sync(token("user_new", "New", 6).claim("email", shared))
        .await;
    assert!(matches!(failed, Err(SyncError::Database(_))), "{failed:?}");
    assert_eq!(email(&profiles, "user_old").await.as_deref(), Some(shared));
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
}
