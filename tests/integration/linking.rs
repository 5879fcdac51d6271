//! Existing rows: each is linked once to one user, by the application's own key.

mod keys;
mod offline;
mod offline_races;
mod races;
mod schema;

use axum::http::StatusCode;
use clerk_auth::SyncedUser;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome::{Inserted, Linked, Unchanged, Updated};
use clerk_auth::sync::{NotImported, SyncError, SyncOutcome};
use clerk_auth::testing::{FakeClerk, SessionToken, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use serde_json::Value;

on_both_databases!(
    legacy_row_is_linked_once_and_is_never_taken_over,
    user_without_a_key_or_without_a_row_is_new,
    linked_row_stays_when_the_key_changes,
    webhook_links_like_a_token,
    import_links_a_page_of_mixed_users,
    dry_run_counts_links_and_writes_nothing,
    value_of_another_unlinked_row_refuses_and_nothing_is_linked,
    value_of_an_older_synced_row_is_won_by_the_linked_row,
    deleted_legacy_row_is_not_linked,
    deleted_user_links_nothing,
    hook_runs_once_for_a_linked_row_and_can_refuse,
    older_edge_token_changes_nothing_after_the_link,
);

/// A customer of a shop that had its table before Clerk.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "customers",
    template_json = r#"{
        "externalId": "{{user.external_id}}", "email": "{{user.primary_email_address}}", "name": "{{user.first_name}}",
        "updatedAt": "{{user.updated_at}}"
    }"#,
    link(id = "externalId"),
    database(postgres, sqlite)
)]
struct Customer {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    #[claim(insert_only)]
    name: Option<String>,
    #[column(app)]
    credits: i64,
}

/// Creates a table with ten rows, as an application without Clerk would, with sync's columns added.
async fn legacy_table(database: &TestDatabase, connections: u32) -> Pool {
    let pool = Pool::open(database.url(), connections).await;
    let (id, time) = match &pool {
        Pool::Postgres(_) => ("BIGSERIAL PRIMARY KEY", "TIMESTAMPTZ"),
        Pool::Sqlite(_) => ("INTEGER PRIMARY KEY", "TEXT"),
    };
    pool.execute(&format!(
        "CREATE TABLE customers (id {id}, email TEXT UNIQUE, name TEXT, credits BIGINT NOT NULL DEFAULT 7)"
    ))
    .await;
    for number in 1..=10 {
        let email = format!("'legacy_{number}@example.com'");
        let row = format!("INSERT INTO customers (email, name) VALUES ({email}, 'Legacy {number}')");
        pool.execute(&row).await;
    }
    for column in [
        "clerk_id TEXT",
        "clerk_version BIGINT NOT NULL DEFAULT 0",
        &format!("clerk_deleted_at {time}"),
    ] {
        pool.execute(&format!("ALTER TABLE customers ADD COLUMN {column}"))
            .await;
    }
    pool.execute("CREATE UNIQUE INDEX customers_clerk_id ON customers (clerk_id)")
        .await;
    pool
}

async fn process<U>(pool: Pool) -> Profiles<U>
where
    U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
{
    Profiles::of_table(pool, |builder| builder, |builder| builder).await
}

async fn start(database: &TestDatabase) -> Profiles<Customer> {
    process(legacy_table(database, 4).await).await
}

fn token(user_id: &str, key: impl Into<Value>, updated_at: i64) -> SessionToken<'static> {
    issuer()
        .token(user_id)
        .claim("externalId", key)
        .claim("email", format!("{user_id}@example.com"))
        .claim("name", "New")
        .claim("updatedAt", updated_at)
}

/// Returns the user object.
fn user(user_id: &str, key: Option<&str>, updated_at: i64) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(updated_at));
    user["external_id"] = key.into();
    set_email(&mut user, Some(&format!("{user_id}@example.com")));
    user
}

async fn row(pool: &Pool, id: i64) -> String {
    let columns = "coalesce(clerk_id, '-') || ' ' || coalesce(email, '-') || ' ' || coalesce(name, '-') || ' ' || credits";
    let sql = format!("SELECT {columns} FROM customers WHERE id = {id}");
    pool.text(&sql).await.expect("there is a row")
}

async fn clerk(users: impl IntoIterator<Item = Value>) -> (FakeClerk, BackendApi) {
    let fake = FakeClerk::start().await.expect("a port is free");
    fake.publish(issuer().jwks());
    users.into_iter().for_each(|user| fake.put_user(user));
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    (fake, api)
}

async fn synced<U: SyncedUser>(profiles: &Profiles<U>, token: SessionToken<'_>) -> (SyncOutcome, U) {
    let synced = profiles.sync(token).await.expect("it syncs");
    (synced.outcome, synced.user)
}

fn holder<T: std::fmt::Debug>(result: Result<T, SyncError>) -> Option<String> {
    match result {
        Err(SyncError::LinkConflict { holder }) => holder.map(Into::into),
        other => panic!("not refused for its key: {other:?}"),
    }
}

async fn legacy_row_is_linked_once_and_is_never_taken_over(database: TestDatabase) {
    let profiles = start(&database).await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (outcome, user) = synced(&profiles, token("user_ada", "3", 5)).await;
    assert_eq!(outcome, Linked);
    let expected = Customer {
        id: 3,
        clerk_id: "user_ada".to_owned(),
        email: Some("user_ada@example.com".to_owned()),
        // The column belongs to the application after the insertion of the row.
        name: Some("Legacy 3".to_owned()),
        credits: 7,
    };
    assert_eq!(user, expected);
    assert_eq!(
        row(&profiles.pool, 3).await,
        "user_ada user_ada@example.com Legacy 3 7"
    );
    assert_eq!(
        profiles
            .pool
            .number("SELECT clerk_version FROM customers WHERE id = 3")
            .await,
        5_999
    );
    assert_eq!(
        synced(&profiles, token("user_ada", "3", 5)).await,
        (Unchanged, expected)
    );

    for (key, updated_at) in [("3", 4), ("3", 5), ("3", 9), ("+3", 9), ("003", 9)] {
        let refused = profiles.sync(token("user_eve", key, updated_at)).await;
        assert_eq!(holder(refused).as_deref(), Some("user_ada"), "{key}");
    }
    assert_eq!(
        row(&profiles.pool, 3).await,
        "user_ada user_ada@example.com Legacy 3 7"
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM customers").await, 10);
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM customers WHERE clerk_id IS NULL AND clerk_version = 0")
            .await,
        9
    );
    let lines = log.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("user_eve") && line.contains("user_ada")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .all(|line| !line.contains("@example.com") && !line.contains("Legacy")),
        "{lines:#?}"
    );
    // Changes arrive as usual, whatever the key.
    let (outcome, user) = synced(
        &profiles,
        token("user_ada", "3", 8).claim("email", "ada@example.com"),
    )
    .await;
    assert_eq!(
        (outcome, user.id, user.email.as_deref()),
        (Updated, 3, Some("ada@example.com"))
    );
}

async fn user_without_a_key_or_without_a_row_is_new(database: TestDatabase) {
    let profiles = start(&database).await;
    for (user_id, key) in [
        ("user_null", Value::Null),
        ("user_empty", "".into()),
        ("user_unknown", "4000".into()),
    ] {
        let (outcome, user) = synced(&profiles, token(user_id, key, 5)).await;
        assert_eq!(outcome, Inserted, "{user_id}");
        assert!(user.id > 10, "{user:?}");
        assert_eq!(user.name.as_deref(), Some("New"));
    }
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM customers WHERE clerk_id IS NULL")
            .await,
        10
    );
    // A user who has a row gets no other, even if a row with the key appears.
    let (outcome, _) = synced(&profiles, token("user_null", "5", 6)).await;
    assert_eq!(outcome, Unchanged);
    assert!(row(&profiles.pool, 5).await.starts_with("- "));
}

async fn linked_row_stays_when_the_key_changes(database: TestDatabase) {
    let profiles = start(&database).await;
    synced(&profiles, token("user_ada", "3", 5)).await;
    let before = row(&profiles.pool, 4).await;
    for (updated_at, key) in [
        (6, Value::from("4")),
        (7, Value::Null),
        (8, "crm-77".into()),
        (9, "4".into()),
    ] {
        let email = format!("ada{updated_at}@example.com");
        let changed = token("user_ada", key, updated_at).claim("email", email.as_str());
        let (outcome, user) = synced(&profiles, changed).await;
        assert_eq!((outcome, user.id), (Updated, 3));
        assert_eq!(user.email, Some(email));
    }
    assert_eq!(row(&profiles.pool, 4).await, before);
    let updated = event(
        "user.updated",
        user("user_ada", Some("no key"), 20),
        profiles.clock.now(),
    );
    assert_eq!(profiles.receive(&updated).await, StatusCode::NO_CONTENT);
    assert_eq!(
        row(&profiles.pool, 3).await,
        "user_ada user_ada@example.com Legacy 3 7"
    );
}

async fn webhook_links_like_a_token(database: TestDatabase) {
    let profiles = start(&database).await;
    let now = profiles.clock.now();
    let created = event("user.created", user("user_ada", Some("3"), 9), now);
    assert_eq!(profiles.receive(&created).await, StatusCode::NO_CONTENT);
    assert_eq!(
        row(&profiles.pool, 3).await,
        "user_ada user_ada@example.com Legacy 3 7"
    );
    // Deliveries that can never succeed are acknowledged: for a row of another user, or a key that the column cannot
    // hold.
    for key in ["3", "three"] {
        let created = event("user.created", user("user_eve", Some(key), 9), now);
        assert_eq!(profiles.receive(&created).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(
        row(&profiles.pool, 3).await,
        "user_ada user_ada@example.com Legacy 3 7"
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM customers").await, 10);
    assert_eq!(synced(&profiles, token("user_ada", "3", 9)).await.0, Unchanged);
}

async fn import_links_a_page_of_mixed_users(database: TestDatabase) {
    let profiles = start(&database).await;
    synced(&profiles, token("user_known", "1", 5)).await;
    let mut users = vec![
        user("user_known", Some("1"), 5),
        user("user_new", None, 5),
        user("user_unknown", Some("999"), 5),
        user("user_taker", Some("1"), 5),
        user("user_invalid", Some("eleven"), 5),
        // Two users with one key: the first in the order of their ids is linked.
        user("user_twin_a", Some("9"), 5),
        user("user_twin_b", Some("9"), 5),
    ];
    for number in 2..=6 {
        users.push(user(&format!("user_{number}"), Some(&number.to_string()), 5));
    }
    let (_fake, api) = clerk(users).await;
    let mut import = profiles.users.import(&api);
    let step = import.next().await.expect("there are users").expect("it goes on");
    let counts = step.counts;
    assert_eq!(
        (
            counts.linked,
            counts.inserted,
            counts.unchanged,
            counts.conflicted,
            counts.skipped
        ),
        (6, 2, 1, 2, 1),
        "{step:?}"
    );
    assert!(step.not_imported.iter().all(|(user_id, reason)| match user_id.as_str() {
        "user_taker" => matches!(reason, NotImported::LinkConflict(Some(holder)) if holder.as_str() == "user_known"),
        "user_twin_b" => matches!(reason, NotImported::LinkConflict(Some(holder)) if holder.as_str() == "user_twin_a"),
        "user_invalid" => matches!(reason, NotImported::Claims(_)),
        _ => false,
    }), "{step:?}");
    assert_eq!(profiles.pool.number("SELECT count(*) FROM customers").await, 12);
    for number in 2..=6 {
        let expected = format!("user_{number} user_{number}@example.com Legacy {number} 7");
        assert_eq!(row(&profiles.pool, number).await, expected);
    }
    assert!(row(&profiles.pool, 7).await.starts_with("- "));
}

async fn dry_run_counts_links_and_writes_nothing(database: TestDatabase) {
    let profiles = start(&database).await;
    synced(&profiles, token("user_known", "1", 5)).await;
    let users = [
        user("user_known", Some("1"), 5),
        user("user_new", None, 5),
        user("user_taker", Some("1"), 5),
        user("user_two", Some("2"), 5),
        user("user_invalid", Some("two"), 5),
        user("user_deleted", Some("3"), 5),
    ];
    let deleted = "UPDATE customers SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE id = 3";
    profiles.pool.execute(deleted).await;
    let (_fake, api) = clerk(users).await;
    let counts = profiles
        .users
        .import(&api)
        .dry_run()
        .run()
        .await
        .expect("it runs");
    assert_eq!(
        (
            counts.linked,
            counts.inserted,
            counts.unchanged,
            counts.conflicted,
            counts.skipped
        ),
        (1, 1, 1, 2, 1)
    );
    assert!(row(&profiles.pool, 2).await.starts_with("- "));
    assert_eq!(profiles.pool.number("SELECT count(*) FROM customers").await, 10);
}

async fn value_of_another_unlinked_row_refuses_and_nothing_is_linked(database: TestDatabase) {
    let profiles = start(&database).await;
    let before = (row(&profiles.pool, 3).await, row(&profiles.pool, 4).await);
    let taken = token("user_ada", "3", 5).claim("email", "legacy_4@example.com");
    let refused = profiles.sync(taken).await;
    assert!(
        matches!(&refused, Err(SyncError::Conflict(columns)) if columns == &["email"]),
        "{refused:?}"
    );
    assert_eq!(
        (row(&profiles.pool, 3).await, row(&profiles.pool, 4).await),
        before
    );
    // A user without a key is refused too, if the e-mail address is that of an unlinked row.
    let refused = profiles
        .sync(token("user_eve", Value::Null, 5).claim("email", "legacy_4@example.com"))
        .await;
    assert!(matches!(refused, Err(SyncError::Conflict(_))), "{refused:?}");
    assert_eq!(row(&profiles.pool, 4).await, before.1);
}

async fn value_of_an_older_synced_row_is_won_by_the_linked_row(database: TestDatabase) {
    let profiles = start(&database).await;
    let shared = "shared@example.com";
    synced(
        &profiles,
        token("user_old", Value::Null, 5).claim("email", shared),
    )
    .await;
    let (outcome, user) = synced(&profiles, token("user_ada", "3", 6).claim("email", shared)).await;
    assert_eq!(
        (outcome, user.id, user.email.as_deref()),
        (Linked, 3, Some(shared))
    );
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM customers WHERE clerk_id = 'user_old' AND email IS NULL")
            .await,
        1
    );
    // The newer row keeps its value, and the older claims are linked without it.
    let (outcome, user) = synced(&profiles, token("user_late", "4", 4).claim("email", shared)).await;
    assert_eq!((outcome, user.id, user.email), (Linked, 4, None));
}

async fn deleted_legacy_row_is_not_linked(database: TestDatabase) {
    let profiles = start(&database).await;
    profiles
        .pool
        .execute("UPDATE customers SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE id = 3")
        .await;
    let before = row(&profiles.pool, 3).await;
    assert_eq!(holder(profiles.sync(token("user_ada", "3", 5)).await), None);
    assert_eq!(row(&profiles.pool, 3).await, before);
    assert_eq!(profiles.pool.number("SELECT count(*) FROM customers").await, 10);
}

async fn deleted_user_links_nothing(database: TestDatabase) {
    let profiles = start(&database).await;
    synced(&profiles, token("user_ada", "3", 5)).await;
    let deleted = |user_id: &str| {
        let data = serde_json::json!({"id": user_id, "object": "user", "deleted": true});
        event("user.deleted", data, profiles.clock.now())
    };
    assert_eq!(
        profiles.receive(&deleted("user_ada")).await,
        StatusCode::NO_CONTENT
    );
    let refused = profiles.sync(token("user_ada", "4", 9)).await;
    assert!(matches!(refused, Err(SyncError::UserDeleted)), "{refused:?}");
    // The row of a deleted user is not linked again either.
    assert_eq!(
        holder(profiles.sync(token("user_eve", "3", 9)).await).as_deref(),
        Some("user_ada")
    );
    assert!(row(&profiles.pool, 4).await.starts_with("- "));
}

async fn hook_runs_once_for_a_linked_row_and_can_refuse(database: TestDatabase) {
    let pool = legacy_table(&database, 4).await;
    pool.execute("CREATE TABLE links (customer BIGINT NOT NULL, clerk_id TEXT NOT NULL)")
        .await;
    let profiles: Profiles<Customer> = Profiles::of_table(
        pool,
        |builder| {
            builder
                .on_insert(|_, _| Box::pin(async { Err("it is no insertion".into()) }))
                .on_link(|connection, user: &Customer| {
                    Box::pin(async move {
                        sqlx::query("INSERT INTO links (customer, clerk_id) VALUES ($1, $2)")
                            .bind(user.id)
                            .bind(user.clerk_id.clone())
                            .execute(connection)
                            .await?;
                        match user.id {
                            4 => Err("this customer stays".into()),
                            _ => Ok(()),
                        }
                    })
                })
        },
        |builder| {
            builder
                .on_insert(|_, _| Box::pin(async { Err("it is no insertion".into()) }))
                .on_link(|connection, user: &Customer| {
                    Box::pin(async move {
                        sqlx::query("INSERT INTO links (customer, clerk_id) VALUES ($1, $2)")
                            .bind(user.id)
                            .bind(user.clerk_id.clone())
                            .execute(connection)
                            .await?;
                        match user.id {
                            4 => Err("this customer stays".into()),
                            _ => Ok(()),
                        }
                    })
                })
        },
    )
    .await;
    assert_eq!(synced(&profiles, token("user_ada", "3", 5)).await.0, Linked);
    assert_eq!(synced(&profiles, token("user_ada", "3", 6)).await.0, Unchanged);
    let before = row(&profiles.pool, 4).await;
    let failed = profiles.sync(token("user_eve", "4", 5)).await;
    assert!(matches!(failed, Err(SyncError::OnLink(_))), "{failed:?}");
    assert_eq!(row(&profiles.pool, 4).await, before);
    let (_fake, api) = clerk([user("user_eve", Some("4"), 5), user("user_five", Some("5"), 5)]).await;
    let counts = profiles.users.import(&api).run().await.expect("it runs");
    assert_eq!((counts.linked, counts.skipped), (1, 1));
    let links =
        "SELECT count(*) FROM links WHERE (customer, clerk_id) IN ((3, 'user_ada'), (5, 'user_five'))";
    assert_eq!(profiles.pool.number(links).await, 2);
    assert_eq!(profiles.pool.number("SELECT count(*) FROM links").await, 2);
}

async fn older_edge_token_changes_nothing_after_the_link(database: TestDatabase) {
    let profiles = start(&database).await;
    let now = profiles.clock.now().as_millis() / 1000;
    let read_at = Timestamp::from_secs(now - 60);
    let edge = token("user_ada", "3", now - 60).claims_read_at(read_at);
    let (outcome, user) = synced(&profiles, edge).await;
    assert_eq!((outcome, user.id), (Linked, 3));
    let mut newer = user_object("user_ada", Timestamp::from_millis((now - 60) * 1000 + 700));
    set_email(&mut newer, Some("newest@example.com"));
    let updated = event("user.updated", newer, profiles.clock.now());
    assert_eq!(profiles.receive(&updated).await, StatusCode::NO_CONTENT);
    let edge = token("user_ada", "3", now - 60)
        .claim("jti", "later")
        .claims_read_at(read_at);
    let (_, user) = synced(&profiles, edge).await;
    assert_eq!((user.id, user.email.as_deref()), (3, Some("newest@example.com")));
}
