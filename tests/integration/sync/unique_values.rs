//! Tests of a unique value that another row holds: one row gets it, the other user is refused, and no write follows.

use std::fmt;

use axum::http::StatusCode;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::claim::InvalidClaim;
use clerk_auth::id::UserId;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted, Unchanged, Updated};
use clerk_auth::sync::{ImportCounts, NotImported, SyncError};
use clerk_auth::testing::{FakeClerk, SessionToken, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{Session, SyncedRow, SyncedUser};
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
    chain_is_not_a_value_that_clerk_keeps_unique,
    composite_index_with_another_claim_is_refused,
    composite_index_of_unique_claims_is_won_by_the_newest,
    index_on_a_part_of_a_value_is_refused,
    predicate_of_an_index_is_not_part_of_its_key,
    two_indexes_at_once_are_won_by_the_newest,
    equal_versions_keep_the_value_and_write_nothing,
    newest_version_wins_and_later_requests_do_not_write,
    circle_of_three_users_settles,
    index_of_a_trigger_s_table_changes_nothing,
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

/// Checks that requests, webhooks and imports of these users write nothing, in this process and in a new one.
async fn assert_unwritten(database: &TestDatabase, profiles: &Profiles, users: &[(&str, &str, i64)]) {
    let before = traces(&profiles.pool).await;
    let requests = async |profiles: &Profiles| {
        for number in 0..3 {
            for &(user_id, email, updated_at) in users {
                let unchanged = token(user_id, "Ada", updated_at).claim("email", email);
                let session = session(profiles, unchanged, number).await;
                let outcome = profiles.users.sync(&session).await.expect("it syncs").outcome;
                assert!(matches!(outcome, Unchanged | Cached), "{user_id}: {outcome:?}");
            }
        }
    };
    requests(profiles).await;
    assert_eq!(traces(&profiles.pool).await, before, "a request has written");
    let another = Profiles::start_on(Pool::open(database.url(), 1).await).await;
    requests(&another).await;
    assert_eq!(
        traces(&profiles.pool).await,
        before,
        "a request to another process has written"
    );
    let (_fake, api) = clerk(users.iter().map(|&(user_id, email, updated_at)| {
        let mut user = user(user_id, "Ada", updated_at);
        user["updated_at"] = (updated_at * 1_000 + 999).into();
        set_email(&mut user, Some(email));
        user
    }))
    .await;
    let counts: ImportCounts = profiles.users.import(&api).run().await.expect("it is imported");
    let expected = u64::try_from(users.len()).expect("a few");
    assert_eq!(
        (counts.unchanged, counts.total()),
        (expected, expected),
        "{counts}"
    );
    assert_eq!(traces(&profiles.pool).await, before, "an import has written");
    assert!(profiles.users.verify(&api).await.expect("it answers").is_empty());
}

async fn equal_versions_keep_the_value_and_write_nothing(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_EMAIL).await;
    count_writes(&profiles.pool).await;
    for user_id in ["user_one", "user_two", "user_three"] {
        let shared = token(user_id, "Ada", 5).claim("email", SHARED);
        profiles.sync(shared).await.expect("no user is locked out");
    }
    assert_eq!(
        value(&profiles.pool, "email", "user_one").await.as_deref(),
        Some(SHARED)
    );
    for user_id in ["user_two", "user_three"] {
        assert_eq!(value(&profiles.pool, "email", user_id).await, None);
    }
    let users = ["user_one", "user_two", "user_three"].map(|user_id| (user_id, SHARED, 5));
    assert_unwritten(&database, &profiles, &users).await;
    // The holder changes its value, and the next request of another user gets the old one.
    profiles
        .sync(token("user_one", "Ada", 6))
        .await
        .expect("it syncs");
    let two = profiles
        .sync(token("user_two", "Ada", 5).claim("email", SHARED))
        .await
        .expect("it syncs");
    assert_eq!((two.outcome, two.user.email.as_deref()), (Updated, Some(SHARED)));
}

async fn newest_version_wins_and_later_requests_do_not_write(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_EMAIL).await;
    count_writes(&profiles.pool).await;
    let users = [
        ("user_old", SHARED, 5),
        ("user_new", SHARED, 8),
        ("user_late", SHARED, 6),
    ];
    for (user_id, email, updated_at) in users {
        let shared = token(user_id, "Ada", updated_at).claim("email", email);
        profiles.sync(shared).await.expect("no user is locked out");
    }
    assert_eq!(
        value(&profiles.pool, "email", "user_new").await.as_deref(),
        Some(SHARED)
    );
    assert_unwritten(&database, &profiles, &users).await;
    // A row with a null for another reason is not treated as a row that lost its value.
    profiles
        .pool
        .execute("UPDATE profiles SET email = NULL WHERE clerk_id = 'user_new'")
        .await;
    let new = token("user_new", "Ada", 8)
        .claim("email", SHARED)
        .claim("jti", "x");
    profiles
        .users
        .invalidate(&UserId::new("user_new"))
        .await
        .expect("processes are notified");
    assert_eq!(
        profiles.sync(new).await.expect("it syncs").user.email.as_deref(),
        Some(SHARED)
    );
}

async fn circle_of_three_users_settles(database: TestDatabase) {
    for versions in [[8, 8, 8], [8, 9, 10], [10, 9, 8]] {
        let profiles = start(&database, UNIQUE_EMAIL).await;
        let before = ["a@example.com", "b@example.com", "c@example.com"];
        let after = ["b@example.com", "c@example.com", "a@example.com"];
        let ids = ["user_a", "user_b", "user_c"];
        for (user_id, email) in ids.into_iter().zip(before) {
            let token = token(user_id, "Ada", versions[0].min(8)).claim("email", email);
            profiles.sync(token).await.expect("it syncs");
        }
        // The circle takes one round, and the users without their value take another.
        for round in 0..3 {
            for ((user_id, email), version) in ids.into_iter().zip(after).zip(versions) {
                let token = token(user_id, "Ada", version)
                    .claim("email", email)
                    .claim("jti", round);
                profiles.sync(token).await.expect("no user is locked out");
                profiles
                    .users
                    .invalidate(&UserId::new(user_id))
                    .await
                    .expect("processes are notified");
            }
        }
        for (user_id, email) in ids.into_iter().zip(after) {
            assert_eq!(
                value(&profiles.pool, "email", user_id).await.as_deref(),
                Some(email),
                "{user_id} {versions:?}"
            );
        }
        profiles.pool.execute("DROP TABLE profiles").await;
    }
}

/// Starts a process on a table with a trigger that stores every address once in another table.
async fn with_audit(database: &TestDatabase) -> Profiles {
    let pool = Pool::open(database.url(), 1).await;
    let insert = "INSERT INTO audit (email, name) VALUES (NEW.email, NEW.name)";
    pool.execute("CREATE TABLE audit (email TEXT, name TEXT)").await;
    pool.execute("CREATE UNIQUE INDEX audit_email ON audit (email)")
        .await;
    match &pool {
        Pool::Postgres(_) => {
            pool.execute(&format!(
                "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {insert}; RETURN NEW; END $$"
            ))
            .await;
            pool.execute(
                "CREATE TRIGGER audited AFTER INSERT OR UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION audit()",
            )
            .await;
        }
        Pool::Sqlite(_) => {
            for what in ["INSERT", "UPDATE"] {
                pool.execute(&format!(
                    "CREATE TRIGGER audited_{what} AFTER {what} ON profiles BEGIN {insert}; END"
                ))
                .await;
            }
        }
    }
    Profiles::start_on(pool).await
}

async fn index_of_a_trigger_s_table_changes_nothing(database: TestDatabase) {
    let profiles = with_audit(&database).await;
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    let before = rows(&profiles.pool).await;
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    // More attempts than the failures of the database that open the circuit breaker.
    for number in 0..5 {
        let renamed = token("user_ada", "Grace", 9).claim("jti", number);
        let refused = profiles.sync(renamed).await;
        assert!(matches!(refused, Err(SyncError::Database(_))), "{refused:?}");
        let newcomer = token("user_eve", "Eve", 9).claim("email", "user_ada@example.com");
        let refused = profiles.sync(newcomer).await;
        assert!(matches!(refused, Err(SyncError::Database(_))), "{refused:?}");
    }
    drop(guard);
    let lines = log.lines();
    let names_all =
        |line: &&String| line.contains("user_eve") && line.contains("audit") && line.contains("email");
    assert!(lines.iter().any(|line| names_all(&line)), "{lines:#?}");
    assert!(
        lines.iter().all(|line| !line.contains("user_ada@example.com")),
        "{lines:#?}"
    );
    assert_eq!(rows(&profiles.pool).await, before);
    let mut ada = user("user_ada", "Grace", 9);
    set_email(&mut ada, Some("user_ada@example.com"));
    receive(&profiles, ada.clone()).await;
    assert_eq!(rows(&profiles.pool).await, before);
    let (_fake, api) = clerk([ada, user("user_bob", "Bob", 9)]).await;
    let mut import = profiles.users.import(&api);
    let step = import
        .next()
        .await
        .expect("there are users")
        .expect("one user does not cost the import");
    assert_eq!((step.counts.inserted, step.counts.skipped), (1, 1), "{step:?}");
    assert!(
        matches!(&*step.not_imported, [(id, NotImported::Refused { .. })] if id.as_str() == "user_ada"),
        "{step:?}"
    );
    assert_eq!(
        value(&profiles.pool, "name", "user_ada").await.as_deref(),
        Some("Ada")
    );
}

/// The table and the index of another schema have the same names as ours.
#[tokio::test]
async fn index_of_a_table_of_another_schema_changes_nothing() {
    let database = TestDatabase::postgres().await;
    let profiles = start(&database, UNIQUE_EMAIL).await;
    for sql in [
        "CREATE SCHEMA other",
        "CREATE TABLE other.profiles (email TEXT, name TEXT, clerk_id TEXT)",
        "CREATE UNIQUE INDEX profiles_email ON other.profiles (email)",
        "CREATE VIEW seen AS SELECT email, name FROM other.profiles",
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN INSERT INTO seen VALUES ('one@example.com', NEW.name); RETURN NEW; END $$",
        "CREATE TRIGGER audited BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION audit()",
    ] {
        profiles.pool.execute(sql).await;
    }
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    let before = rows(&profiles.pool).await;
    let refused = profiles
        .sync(token("user_eve", "Eve", 9).claim("email", "one@example.com"))
        .await;
    assert!(matches!(refused, Err(SyncError::Database(_))), "{refused:?}");
    assert_eq!(rows(&profiles.pool).await, before);
    // The table's own index still decides.
    profiles.pool.execute("DROP TRIGGER audited ON profiles").await;
    let eve = token("user_eve", "Eve", 9).claim("email", "user_ada@example.com");
    profiles.sync(eve).await.expect("the newest wins");
    assert_eq!(value(&profiles.pool, "email", "user_ada").await, None);
}

/// An index of a partition belongs to the table. Start-up refuses a partitioned table, but a table may become one later.
#[tokio::test]
async fn index_of_a_partition_is_the_table_s_own() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 1).await;
    let profiles = Profiles::start_on(pool.clone()).await;
    for sql in [
        "DROP TABLE profiles",
        "CREATE TABLE profiles (id BIGINT GENERATED ALWAYS AS IDENTITY, clerk_id TEXT NOT NULL, email TEXT, name TEXT, \
         clerk_version BIGINT NOT NULL, clerk_deleted_at TIMESTAMPTZ, UNIQUE (clerk_id)) PARTITION BY HASH (clerk_id)",
        "CREATE TABLE profiles_all PARTITION OF profiles FOR VALUES WITH (MODULUS 1, REMAINDER 0) PARTITION BY HASH (clerk_id)",
        "CREATE TABLE profiles_0 PARTITION OF profiles_all FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "CREATE UNIQUE INDEX profiles_0_name ON profiles_0 (name)",
    ] {
        pool.execute(sql).await;
    }
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    assert_eq!(
        conflict(profiles.sync(token("user_eve", "Ada", 9)).await),
        ["name"]
    );
}

/// Two users without an address do not conflict.
#[tokio::test]
async fn null_that_is_unique_is_refused() {
    let database = TestDatabase::postgres().await;
    let version = "SELECT current_setting('server_version_num')::bigint";
    if Pool::open(database.url(), 1).await.number(version).await < 150_000 {
        // On SQLite, nulls are always distinct.
        return;
    }
    let index = "CREATE UNIQUE INDEX profiles_email ON profiles (email) NULLS NOT DISTINCT";
    let profiles = start(&database, index).await;
    let none = |user_id: &str, updated_at| token(user_id, "Ada", updated_at).claim("email", Value::Null);
    profiles.sync(none("user_ada", 5)).await.expect("it syncs");
    assert_eq!(conflict(profiles.sync(none("user_eve", 9)).await), ["email"]);
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
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
