//! Tests of unique indexes of other tables, of partitions and of NULL values.

use clerk_auth::sync::{NotImported, SyncError};
use clerk_auth::testing::set_email;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};
use serde_json::Value;

use super::{UNIQUE_EMAIL, clerk, conflict, receive, rows, start, user, value};

on_both_databases!(index_of_a_trigger_s_table_changes_nothing,);

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
