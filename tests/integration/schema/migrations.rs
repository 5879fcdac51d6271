//! Tests that the table of the example's migrations matches the derive, and that start-up reports differences.

use clerk_auth::row::StoredIn;
use clerk_auth::sync::CREATE_DENIALS;
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync, schema};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Member, Pool, Profile, issuer};
use example_app::organization::{Membership, Organization};
use example_app::user::User;
use sqlx::AssertSqlSafe;

on_both_databases!(
    start_up_reports_missing_parts_of_the_table,
    start_up_reports_the_column_that_no_field_fills,
    start_up_reports_missing_parts_of_the_tombstones,
);

#[test]
fn migrations_match_the_generated_ddl() {
    fn matches<R: StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>>(postgres: &str, sqlite: &str) {
        let generated = [
            <R as StoredIn<sqlx::Postgres>>::create_table(),
            <R as StoredIn<sqlx::Sqlite>>::create_table(),
        ];
        assert_eq!(
            [postgres, sqlite].map(str::to_owned),
            generated.map(|sql| format!("{sql};\n"))
        );
    }
    macro_rules! migration {
        ($database:literal, $file:literal) => {
            include_str!(concat!(
                "../../../example-app/migrations/",
                $database,
                "/",
                $file
            ))
        };
    }
    matches::<User>(
        migration!("postgres", "0001_users.sql"),
        migration!("sqlite", "0001_users.sql"),
    );
    matches::<Organization>(
        migration!("postgres", "0004_organizations.sql"),
        migration!("sqlite", "0004_organizations.sql"),
    );
    matches::<Membership>(
        migration!("postgres", "0005_memberships.sql"),
        migration!("sqlite", "0005_memberships.sql"),
    );
    let denials = [
        include_str!("../../../example-app/migrations/postgres/0003_denials.sql"),
        include_str!("../../../example-app/migrations/sqlite/0003_denials.sql"),
    ];
    assert_eq!(denials, [&*format!("{CREATE_DENIALS};\n"); 2]);
}

/// Returns start-up's report on a table after a change; empty if there is no fault.
async fn report(pool: &Pool) -> String {
    report_of::<Profile>(pool).await
}

async fn report_of<U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>>(pool: &Pool) -> String {
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem())
        .build()
        .expect("the configuration is right");
    let started = match pool {
        Pool::Postgres(pool) => UserSync::<U>::new(clerk, pool.clone()).await.map(drop),
        Pool::Sqlite(pool) => UserSync::<U>::new(clerk, pool.clone()).await.map(drop),
    };
    started.err().map(|error| error.to_string()).unwrap_or_default()
}

/// A table in a schema, with columns of every kind.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "accounts.users",
    version_column = "as of",
    template_json = r#"{"select": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
#[expect(dead_code, reason = "its definition alone is read")]
struct Account {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    select: Option<String>,
    #[column(app)]
    credits: i32,
    #[column(updated_at)]
    changed: time::OffsetDateTime,
}

#[tokio::test]
async fn definition_quotes_its_names_and_runs() {
    let expected = r#"CREATE TABLE "accounts"."users" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "clerk_id" TEXT NOT NULL UNIQUE,
    "select" TEXT,
    "credits" INTEGER NOT NULL DEFAULT 0,
    "changed" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "as of" BIGINT NOT NULL,
    "clerk_deleted_at" TIMESTAMPTZ
)"#;
    assert_eq!(<Account as StoredIn<sqlx::Postgres>>::create_table(), expected);
    let expected = r#"CREATE TABLE "accounts"."users" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "clerk_id" TEXT NOT NULL UNIQUE,
    "select" TEXT,
    "credits" INTEGER NOT NULL DEFAULT 0,
    "changed" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "as of" BIGINT NOT NULL,
    "clerk_deleted_at" TEXT
)"#;
    assert_eq!(<Account as StoredIn<sqlx::Sqlite>>::create_table(), expected);

    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 1).await;
    pool.execute("CREATE SCHEMA accounts").await;
    pool.execute(&<Account as StoredIn<sqlx::Postgres>>::create_table())
        .await;
    assert_eq!(report_of::<Account>(&pool).await, "");
}

async fn start_up_reports_missing_parts_of_the_table(database: TestDatabase) {
    let is_sqlite = database.is_sqlite();
    let pool = Pool::open(database.url(), 2).await;
    assert_eq!(report(&pool).await, "");
    pool.execute("ALTER TABLE profiles ADD COLUMN nickname TEXT")
        .await;
    pool.execute("ALTER TABLE profiles ADD COLUMN points BIGINT NOT NULL DEFAULT 0")
        .await;
    assert_eq!(
        report(&pool).await,
        "",
        "columns of which the struct knows nothing are no problem"
    );
    pool.execute("DROP TABLE profiles").await;
    assert!(
        report(&pool)
            .await
            .contains("there is no table `profiles`; fix it with\n  CREATE TABLE")
    );
    pool.execute("CREATE TABLE people (id BIGINT, clerk_id TEXT)")
        .await;
    pool.execute("CREATE VIEW profiles AS SELECT * FROM people").await;
    assert!(report(&pool).await.contains("`profiles` is a view"));
    pool.execute("DROP VIEW profiles").await;

    // All faults at once.
    pool.execute(
        "CREATE TABLE profiles (id BIGINT, clerk_id TEXT NOT NULL, email TEXT NOT NULL, \
         name BYTEA, clerk_version BIGINT NOT NULL, shoe_size BIGINT NOT NULL)",
    )
    .await;
    let message = report(&pool).await;
    for expected in [
        "the column `id` may be null",
        "the column `id` has no default",
        "the column `email` may not be null",
        "there is no column `clerk_deleted_at`",
        "the column `shoe_size`, which the struct lacks",
        "no unique index over `clerk_id` alone",
        "fix it with",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
    if is_sqlite {
        return;
    }
    assert!(message.contains("the column `name` is `bytea`"), "{message}");
    // The advised statement fixes the fault.
    let Pool::Postgres(pool) = &pool else {
        return;
    };
    let problems = schema::diff::<Profile, _>(pool)
        .await
        .expect("the database answers");
    for problem in problems {
        let sql = problem.fix.expect("PostgreSQL can fix everything here");
        let sql = sql.replace("USING \"name\"::TEXT", "USING encode(\"name\", 'escape')");
        sqlx::query(AssertSqlSafe(sql.clone()))
            .execute(pool)
            .await
            .expect(&sql);
    }
    assert_eq!(
        schema::diff::<Profile, _>(pool)
            .await
            .expect("the database answers"),
        []
    );
}

async fn start_up_reports_the_column_that_no_field_fills(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    pool.execute("DROP TABLE profiles").await;
    let create_table = match &pool {
        Pool::Postgres(_) => {
            <Profile as StoredIn<sqlx::Postgres>>::create_table().replace(" GENERATED ALWAYS AS IDENTITY", "")
        }
        // SQLite generates only a primary key of the type `INTEGER`.
        Pool::Sqlite(_) => <Profile as StoredIn<sqlx::Sqlite>>::create_table()
            .replace("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT PRIMARY KEY"),
    };
    pool.execute(&create_table).await;
    let message = report(&pool).await;
    let expected = "the column `id` has no default, so that no row can be inserted";
    assert!(message.contains(expected), "{message}");
    if database.is_sqlite() {
        return;
    }
    let fix = r#"ALTER TABLE "profiles" ALTER COLUMN "id" ADD GENERATED ALWAYS AS IDENTITY"#;
    assert!(message.contains(fix), "{message}");
    // A trigger can fill the column too.
    pool.execute(
        "CREATE FUNCTION number_it() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN NEW.id := 7; RETURN NEW; END $$",
    )
    .await;
    pool.execute(
        "CREATE TRIGGER numbers BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION number_it()",
    )
    .await;
    assert_eq!(report(&pool).await, "");
}

async fn start_up_reports_missing_parts_of_the_tombstones(database: TestDatabase) {
    let is_sqlite = database.is_sqlite();
    let pool = Pool::open(database.url(), 2).await;
    let (members, tombstones) = match &pool {
        Pool::Postgres(_) => tables_of_members::<sqlx::Postgres>(),
        Pool::Sqlite(_) => tables_of_members::<sqlx::Sqlite>(),
    };
    assert!(!members.contains("clerk_deleted_at"), "{members}");
    // The column of the Clerk id may have any text type.
    pool.execute(&members.replace("\"clerk_id\" TEXT", "\"clerk_id\" VARCHAR(64)"))
        .await;
    let missing = format!(
        "of the tombstones in `former_members`: there is no table `former_members`; fix it with\n  {};",
        tombstones.replace('\n', "\n  ")
    );
    let message = report_of::<Member>(&pool).await;
    assert!(message.ends_with(&missing), "{message}");
    pool.execute(&tombstones).await;
    assert_eq!(report_of::<Member>(&pool).await, "");

    for (columns, expected) in [
        ("deleted_at TEXT", "there is no column `clerk_id`"),
        ("clerk_id TEXT NOT NULL", "no unique index over `clerk_id` alone"),
        (
            "clerk_id TEXT NOT NULL PRIMARY KEY, reason TEXT NOT NULL",
            "the column `reason`, which the struct lacks, has no default",
        ),
    ] {
        pool.execute("DROP TABLE former_members").await;
        pool.execute(&format!("CREATE TABLE former_members ({columns})"))
            .await;
        let message = report_of::<Member>(&pool).await;
        assert!(
            message.contains("of the tombstones in `former_members`"),
            "{message}"
        );
        assert!(message.contains(expected), "{expected}: {message}");
    }
    if !is_sqlite {
        pool.execute("DROP TABLE former_members").await;
        pool.execute("CREATE TABLE former_members (clerk_id BIGINT NOT NULL PRIMARY KEY)")
            .await;
        let message = report_of::<Member>(&pool).await;
        assert!(message.contains("cannot run its SELECT statement"), "{message}");
    }
}

/// Returns the first two statements of the migration.
fn tables_of_members<DB: sqlx::Database>() -> (String, String)
where
    Member: SyncedUser + StoredIn<DB>,
{
    let sql = Member::migration_sql::<DB>();
    let (members, rest) = sql.split_once(";\n").expect("several statements");
    let (tombstones, denials) = rest.split_once(";\n").expect("several statements");
    assert_eq!(denials, format!("{CREATE_DENIALS};\n"));
    (members.to_owned(), tombstones.to_owned())
}

#[tokio::test]
async fn missing_privileges_are_named() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 1).await.postgres().clone();
    let role = format!("reader_{}", std::process::id());
    for sql in [
        format!("CREATE ROLE {role}"),
        format!("GRANT SELECT ON profiles TO {role}"),
        format!("SET ROLE {role}"),
    ] {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .expect("the role is made");
    }
    let problems = schema::diff::<Profile, _>(&pool)
        .await
        .expect("the database answers");
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].contains("may not INSERT, UPDATE"), "{messages:?}");
    for sql in [
        "RESET ROLE".to_owned(),
        format!("DROP OWNED BY {role}"),
        format!("DROP ROLE {role}"),
    ] {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .expect("the role goes");
    }
}
