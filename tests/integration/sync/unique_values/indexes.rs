//! Tests of the columns and predicates of unique indexes: which conflicts the newest version wins.

use clerk_auth::claim::InvalidClaim;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome::Inserted;
use clerk_auth::testing::SessionToken;
use clerk_auth::{SyncedRow, SyncedUser};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use serde_json::Value;

use super::{SHARED, conflict, start, value};

on_both_databases!(
    chain_is_not_a_value_that_clerk_keeps_unique,
    composite_index_with_another_claim_is_refused,
    composite_index_of_unique_claims_is_won_by_the_newest,
    index_on_a_part_of_a_value_is_refused,
    predicate_of_an_index_is_not_part_of_its_key,
    two_indexes_at_once_are_won_by_the_newest,
);

/// A user whose label is Clerk's unique user name, if there is one, and otherwise a text that many users share.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "accounts",
    template_json = r#"{
        "email": "{{user.primary_email_address}}", "username": "{{user.username}}", "label": "{{user.username || 'nobody'}}",
        "greeting": "Dear {{user.username || 'you'}}", "phone": "{{user.primary_phone_number}}", "nick": "{{user.username}}",
        "external": "{{user.external_id}}", "domain": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"
    }"#,
    database(postgres, sqlite)
)]
#[expect(dead_code, reason = "the table is looked at")]
struct Account {
    clerk_id: String,
    email: Option<String>,
    username: Option<String>,
    label: String,
    greeting: String,
    phone: Option<String>,
    #[claim(insert_only)]
    nick: Option<String>,
    #[claim(default)]
    external: String,
    #[claim(with = domain)]
    domain: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the derive's signature")]
fn domain(email: Option<&str>) -> Result<Option<String>, InvalidClaim> {
    Ok(email.and_then(|email| Some(email.split_once('@')?.1.to_owned())))
}

#[test]
fn only_exact_claims_of_unique_values_are_unique_in_clerk() {
    let unique: Vec<&str> = <Account as StoredIn<sqlx::Postgres>>::CLAIM_COLUMNS
        .iter()
        .filter(|column| column.unique_in_clerk)
        .map(|column| column.name)
        .collect();
    assert_eq!(unique, ["email", "username", "phone"]);
}

fn account(user_id: &str, username: Option<&str>, updated_at: i64) -> SessionToken<'static> {
    issuer()
        .token(user_id)
        .claim("email", format!("{user_id}@example.com"))
        .claim("username", username)
        .claim("label", username.unwrap_or("nobody"))
        .claim("greeting", format!("Dear {}", username.unwrap_or("you")))
        .claim("phone", Value::Null)
        .claim("nick", username)
        .claim("external", user_id)
        .claim("domain", format!("{user_id}@example.com"))
        .claim("updatedAt", updated_at)
}

async fn accounts(database: &TestDatabase, index: &str) -> Profiles<Account> {
    let pool = Pool::open(database.url(), 1).await;
    pool.execute(&match &pool {
        Pool::Postgres(_) => Account::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => Account::migration_sql::<sqlx::Sqlite>(),
    })
    .await;
    pool.execute(index).await;
    Profiles::of_table(pool, |builder| builder, |builder| builder).await
}

async fn chain_is_not_a_value_that_clerk_keeps_unique(database: TestDatabase) {
    for column in ["label", "greeting", "nick"] {
        let accounts = accounts(
            &database,
            &format!("CREATE UNIQUE INDEX accounts_{column} ON accounts ({column})"),
        )
        .await;
        let username = (column == "nick").then_some("ada");
        accounts
            .sync(account("user_ada", username, 5))
            .await
            .expect("it syncs");
        let taken = accounts.sync(account("user_eve", username, 9)).await;
        assert_eq!(conflict(taken), [column]);
        assert_eq!(accounts.pool.number("SELECT count(*) FROM accounts").await, 1);
        accounts.pool.execute("DROP TABLE accounts").await;
    }
}

async fn composite_index_with_another_claim_is_refused(database: TestDatabase) {
    let index = "CREATE UNIQUE INDEX profiles_both ON profiles (email, name)";
    let profiles = start(&database, index).await;
    let ada = |user_id: &str, updated_at| token(user_id, "Ada", updated_at).claim("email", SHARED);
    profiles.sync(ada("user_ada", 5)).await.expect("it syncs");
    let mut columns = conflict(profiles.sync(ada("user_eve", 9)).await);
    columns.sort_unstable();
    assert_eq!(columns, ["email", "name"]);
    conflict(profiles.sync(ada("user_eve", 9)).await);
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
    assert_eq!(
        value(&profiles.pool, "email", "user_ada").await.as_deref(),
        Some(SHARED)
    );
    // A row with only one of the two values does not conflict.
    let eve = profiles
        .sync(token("user_eve", "Eve", 9).claim("email", SHARED))
        .await;
    assert_eq!(eve.expect("it syncs").outcome, Inserted);
}

async fn composite_index_of_unique_claims_is_won_by_the_newest(database: TestDatabase) {
    let accounts = accounts(
        &database,
        "CREATE UNIQUE INDEX accounts_both ON accounts (email, username)",
    )
    .await;
    let shared = |user_id: &str, updated_at| account(user_id, Some("ada"), updated_at).claim("email", SHARED);
    accounts.sync(shared("user_old", 5)).await.expect("it syncs");
    let new = accounts
        .sync(shared("user_new", 9))
        .await
        .expect("the newest wins");
    assert_eq!(
        (new.user.email.as_deref(), new.user.username.as_deref()),
        (Some(SHARED), Some("ada"))
    );
    let sql =
        "SELECT count(*) FROM accounts WHERE clerk_id = 'user_old' AND (email IS NULL OR username IS NULL)";
    assert_eq!(accounts.pool.number(sql).await, 1);
}

/// Clerk keeps addresses unique, but not their lengths: any user could take another user's address.
async fn index_on_a_part_of_a_value_is_refused(database: TestDatabase) {
    let index = "CREATE UNIQUE INDEX profiles_length ON profiles (length(email))";
    let profiles = start(&database, index).await;
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    for _ in 0..3 {
        assert_eq!(
            conflict(profiles.sync(token("user_eve", "Eve", 9)).await),
            ["email"]
        );
    }
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
    assert_eq!(
        value(&profiles.pool, "email", "user_ada").await.as_deref(),
        Some("user_ada@example.com")
    );
}

async fn predicate_of_an_index_is_not_part_of_its_key(database: TestDatabase) {
    for (index, is_won) in [
        (
            "CREATE UNIQUE INDEX partial ON profiles (email) WHERE name IS NOT NULL",
            true,
        ),
        (
            "CREATE UNIQUE INDEX partial ON profiles (lower(email)) WHERE name IS NOT NULL",
            true,
        ),
        (
            "CREATE UNIQUE INDEX partial ON profiles (lower(name)) WHERE email IS NOT NULL",
            false,
        ),
    ] {
        let profiles = start(&database, index).await;
        let shared = |user_id: &str, updated_at| token(user_id, "Ada", updated_at).claim("email", SHARED);
        profiles.sync(shared("user_old", 5)).await.expect("it syncs");
        let new = profiles.sync(shared("user_new", 6)).await;
        if is_won {
            assert_eq!(
                new.expect("the newest wins").user.email.as_deref(),
                Some(SHARED),
                "{index}"
            );
            assert_eq!(value(&profiles.pool, "email", "user_old").await, None, "{index}");
        } else {
            assert_eq!(conflict(new), ["name"], "{index}");
        }
        profiles.pool.execute("DROP INDEX partial").await;
        profiles.pool.execute("DELETE FROM profiles").await;
    }
}

async fn two_indexes_at_once_are_won_by_the_newest(database: TestDatabase) {
    let accounts = accounts(
        &database,
        "CREATE UNIQUE INDEX accounts_email ON accounts (email)",
    )
    .await;
    accounts
        .pool
        .execute("CREATE UNIQUE INDEX accounts_name ON accounts (username)")
        .await;
    let email = |user_id: &str, name, updated_at| {
        account(user_id, Some(name), updated_at).claim("email", format!("{name}@example.com"))
    };
    accounts
        .sync(email("user_one", "one", 5))
        .await
        .expect("it syncs");
    accounts
        .sync(email("user_two", "two", 9))
        .await
        .expect("it syncs");
    // The user is newer than one holder, and older than the other.
    let mixed = email("user_mixed", "one", 7).claim("username", "two");
    let mixed = accounts.sync(mixed).await.expect("it syncs").user;
    assert_eq!(
        (mixed.email.as_deref(), mixed.username),
        (Some("one@example.com"), None)
    );
    // The user is newer than both.
    let newest = email("user_newest", "one", 20).claim("username", "two");
    let newest = accounts.sync(newest).await.expect("it syncs").user;
    assert_eq!(
        (newest.email.as_deref(), newest.username.as_deref()),
        (Some("one@example.com"), Some("two"))
    );
    let without = "SELECT count(*) FROM accounts WHERE email IS NULL OR username IS NULL";
    assert_eq!(accounts.pool.number(without).await, 3);
}
