//! Tests that execute every statement that start-up advises, on tables and rows as other tools create them. Each
//! statement succeeds and keeps every value, and the next start-up reports nothing.

use chrono::{DateTime, Utc};
use clerk_auth::SyncedUser;
use clerk_auth::claim::InvalidClaim;
use clerk_auth::row::StoredIn;
use clerk_auth::schema::{self, Problem};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use sqlx::AssertSqlSafe;

/// Executes the advice in a session whose time zone is not UTC, and returns it. Each statement can be prepared.
async fn followed_on_postgres<U: SyncedUser + StoredIn<sqlx::Postgres>>(pool: &Pool) -> String {
    let postgres = pool.postgres();
    let problems = schema::diff::<U, _>(postgres)
        .await
        .expect("the database answers");
    let mut session = postgres.acquire().await.expect("a connection is free");
    let zone = sqlx::query("SET TIME ZONE 'America/New_York'");
    zone.execute(&mut *session).await.expect("the zone is known");
    let advice = statements(&problems);
    for sql in &advice {
        let statement = sqlx::query(AssertSqlSafe(sql.clone()));
        statement.execute(&mut *session).await.expect(sql);
    }
    let zone = sqlx::query("RESET TIME ZONE");
    zone.execute(&mut *session).await.expect("the zone is reset");
    drop(session);
    let left = schema::diff::<U, _>(postgres)
        .await
        .expect("the database answers");
    assert_eq!(left, [], "after {advice:#?}");
    advice.join(";\n")
}

async fn followed_on_sqlite<U: SyncedUser + StoredIn<sqlx::Sqlite>>(pool: &Pool) -> String {
    let Pool::Sqlite(sqlite) = pool else {
        panic!("it is SQLite");
    };
    let problems = schema::diff::<U, _>(sqlite).await.expect("the database answers");
    let advice = statements(&problems);
    for sql in &advice {
        let statement = sqlx::query(AssertSqlSafe(sql.clone()));
        statement.execute(sqlite).await.expect(sql);
    }
    let left = schema::diff::<U, _>(sqlite).await.expect("the database answers");
    assert_eq!(left, [], "after {advice:#?}");
    advice.join(";\n")
}

fn statements(problems: &[Problem]) -> Vec<String> {
    assert!(!problems.is_empty(), "there is something to say");
    let advised = |problem: &Problem| {
        let sql = problem.fix.clone();
        sql.unwrap_or_else(|| panic!("no advice: {}", problem.message))
    };
    problems.iter().map(advised).collect()
}

async fn is_true(pool: &Pool, condition: &str) {
    assert_eq!(
        pool.number(&format!("SELECT count(*) FROM {condition}")).await,
        2,
        "{condition}"
    );
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(table = "User", database(postgres))]
#[expect(dead_code, reason = "the table is looked at")]
struct PrismaUser {
    #[column(generated)]
    id: String,
    #[column(name = "clerkId")]
    clerk_id: String,
    email: Option<String>,
    #[column(name = "imageUrl")]
    image_url: String,
    #[column(generated, name = "createdAt")]
    created_at: DateTime<Utc>,
    #[column(updated_at, name = "updatedAt")]
    updated_at: DateTime<Utc>,
}

#[tokio::test]
async fn table_of_prisma_fits_after_the_advice() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute(
        r#"CREATE TABLE "User" ("id" TEXT NOT NULL, "email" TEXT NOT NULL, "name" TEXT,
           "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" TIMESTAMP(3) NOT NULL,
           CONSTRAINT "User_pkey" PRIMARY KEY ("id"))"#,
    )
    .await;
    pool.execute(r#"CREATE UNIQUE INDEX "User_email_key" ON "User"("email")"#)
        .await;
    pool.execute(
        r#"INSERT INTO "User" VALUES ('cl1', 'ada@example.com', 'Ada', '2024-07-01 12:00:00.123', '2024-07-02 00:00:00'),
           ('cl2', 'eve@example.com', NULL, '2024-07-01 12:00:00.123', '2024-07-02 00:00:00')"#,
    )
    .await;
    followed_on_postgres::<PrismaUser>(&pool).await;
    is_true(
        &pool,
        r#""User" WHERE "createdAt" = '2024-07-01 12:00:00.123Z' AND "updatedAt" = '2024-07-02 00:00:00Z'
           AND "id" || email IN ('cl1ada@example.com', 'cl2eve@example.com') AND "clerkId" LIKE 'unlinked\_%'"#,
    )
    .await;
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
#[expect(dead_code, reason = "the table is looked at")]
struct DrizzleUser {
    #[column(generated)]
    id: i32,
    clerk_id: String,
    email: Option<String>,
    first_name: Option<String>,
    #[column(generated)]
    created_at: DateTime<Utc>,
}

#[tokio::test]
async fn table_of_drizzle_fits_after_the_advice() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    // The Clerk id is nullable, and one row has an id.
    pool.execute(
        "CREATE TABLE users (id serial PRIMARY KEY NOT NULL, clerk_id varchar(255), email varchar(255) NOT NULL, \
         created_at timestamp DEFAULT now() NOT NULL)",
    )
    .await;
    pool.execute(
        "INSERT INTO users (clerk_id, email, created_at) VALUES ('user_ada', 'ada@example.com', '2024-01-01 00:00:00'), \
         (NULL, 'eve@example.com', '2024-01-01 00:00:00')",
    )
    .await;
    followed_on_postgres::<DrizzleUser>(&pool).await;
    is_true(
        &pool,
        "users WHERE created_at = '2024-01-01 00:00:00Z' AND (email = 'ada@example.com') = (clerk_id = 'user_ada')",
    )
    .await;
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
#[expect(dead_code, reason = "the table is looked at")]
struct RailsUser {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    #[column(generated)]
    created_at: DateTime<Utc>,
    #[column(updated_at)]
    updated_at: DateTime<Utc>,
}

#[tokio::test]
async fn table_of_rails_fits_after_the_advice() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute(
        "CREATE TABLE users (id bigserial PRIMARY KEY, email character varying DEFAULT '' NOT NULL, \
         encrypted_password character varying DEFAULT '' NOT NULL, created_at timestamp(6) without time zone NOT NULL, \
         updated_at timestamp(6) without time zone NOT NULL)",
    )
    .await;
    pool.execute(
        "INSERT INTO users (email, created_at, updated_at) VALUES ('ada@example.com', '2024-03-31 02:30:00', now()), \
         ('eve@example.com', '2024-03-31 02:30:00', now())",
    )
    .await;
    followed_on_postgres::<RailsUser>(&pool).await;
    is_true(
        &pool,
        "users WHERE created_at = '2024-03-31 02:30:00Z' AND email LIKE '%@example.com'",
    )
    .await;
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(table = "auth_user", database(postgres))]
#[expect(dead_code, reason = "the table is looked at")]
struct DjangoUser {
    #[column(generated)]
    id: i32,
    clerk_id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[tokio::test]
async fn table_of_django_fits_after_the_advice() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute(
        "CREATE TABLE auth_user (id integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, \
         password varchar(128) NOT NULL, last_login timestamp with time zone NULL, is_superuser boolean NOT NULL, \
         username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, last_name varchar(150) NOT NULL, \
         email varchar(254) NOT NULL, is_staff boolean NOT NULL, is_active boolean NOT NULL, \
         date_joined timestamp with time zone NOT NULL)",
    )
    .await;
    pool.execute(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
         date_joined) VALUES ('x', false, 'ada', 'Ada', '', 'ada@example.com', true, true, '2024-01-01Z'), \
         ('x', false, 'eve', 'Eve', '', 'eve@example.com', true, true, '2024-01-01Z')",
    )
    .await;
    followed_on_postgres::<DjangoUser>(&pool).await;
    is_true(
        &pool,
        "auth_user WHERE password = 'x' AND date_joined = '2024-01-01Z' AND is_staff",
    )
    .await;
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(table = "profiles", database(postgres))]
#[expect(dead_code, reason = "the table is looked at")]
struct SupabaseProfile {
    clerk_id: String,
    #[claim("imageUrl")]
    avatar_url: String,
    #[claim("email")]
    email: Option<String>,
}

#[tokio::test]
async fn table_of_supabase_fits_after_the_advice() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    for sql in [
        "DROP TABLE profiles",
        "CREATE TABLE profiles (id uuid NOT NULL PRIMARY KEY, updated_at timestamp with time zone, username text UNIQUE, \
         full_name text, avatar_url text, CONSTRAINT username_length CHECK (char_length(username) >= 3))",
        "ALTER TABLE profiles ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY \"Public profiles are viewable by everyone.\" ON profiles FOR SELECT USING (true)",
        "INSERT INTO profiles VALUES (gen_random_uuid(), NULL, 'ada', 'Ada', 'https://example.com/ada.png'), \
         (gen_random_uuid(), NULL, 'eve', NULL, NULL)",
    ] {
        pool.execute(sql).await;
    }
    followed_on_postgres::<SupabaseProfile>(&pool).await;
    is_true(
        &pool,
        "profiles WHERE (username, avatar_url) IN (('ada', 'https://example.com/ada.png'), ('eve', ''))",
    )
    .await;
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "odd",
    database(postgres, sqlite),
    template_json = r#"{
        "email": "{{user.primary_email_address}}", "verified": "{{user.email_verified}}",
        "since": "{{user.created_at}}", "data": "{{user.public_metadata.data}}", "updatedAt": "{{user.updated_at}}"
    }"#
)]
#[expect(dead_code, reason = "the table is looked at")]
struct OddUser {
    clerk_id: String,
    email: Option<String>,
    verified: bool,
    since: i64,
    data: Option<serde_json::Value>,
    #[column(app)]
    credits: i64,
}

#[tokio::test]
async fn columns_of_other_types_keep_their_values() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute(
        "CREATE TABLE odd (clerk_id TEXT NOT NULL UNIQUE, email BYTEA, verified INTEGER NOT NULL DEFAULT 0, \
         since TIMESTAMPTZ DEFAULT now(), data TEXT DEFAULT '', credits TEXT NOT NULL DEFAULT '0', \
         clerk_version NUMERIC, clerk_deleted_at TIMESTAMP)",
    )
    .await;
    pool.execute(
        "INSERT INTO odd VALUES ('user_ada', 'ada@example.com', 1, to_timestamp(1700000000), '\"x\"', '7', 5, \
         '2024-07-01 00:00:00'), ('user_eve', 'ada@example.com', 1, to_timestamp(1700000000), '\"x\"', '7', NULL, \
         '2024-07-01 00:00:00')",
    )
    .await;
    followed_on_postgres::<OddUser>(&pool).await;
    is_true(
        &pool,
        "odd WHERE email = 'ada@example.com' AND verified AND since = 1700000000 AND credits = 7 \
         AND clerk_version = CASE clerk_id WHEN 'user_ada' THEN 5 ELSE 0 END AND clerk_deleted_at = '2024-07-01Z'",
    )
    .await;
}

/// An enum of the database, whose name is not visible to the derive.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "plan", rename_all = "lowercase")]
enum Plan {
    Free,
    Pro,
}

fn plan(claim: Option<&serde_json::Value>) -> Result<Plan, InvalidClaim> {
    match claim.and_then(serde_json::Value::as_str) {
        None | Some("free") => Ok(Plan::Free),
        Some("pro") => Ok(Plan::Pro),
        Some(_) => Err(InvalidClaim::new("the plan is unknown")),
    }
}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "planned",
    database(postgres),
    template_json = r#"{ "plan": "{{user.public_metadata.plan}}", "updatedAt": "{{user.updated_at}}" }"#
)]
#[expect(dead_code, reason = "the table is looked at")]
struct Planned {
    clerk_id: String,
    #[claim(with = plan)]
    #[column(sql_type = "TEXT")]
    plan: Plan,
}

/// Start-up advises no statement, because the struct is wrong and not the table.
#[tokio::test]
async fn field_of_another_type_than_the_struct_s_table_has_no_statement() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute("CREATE TYPE plan AS ENUM ('free', 'pro')").await;
    pool.execute(&<Planned as StoredIn<sqlx::Postgres>>::create_table())
        .await;
    let postgres = pool.postgres();
    let problems = schema::diff::<Planned, _>(postgres)
        .await
        .expect("the database answers");
    let [problem] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert!(
        problem.message.contains(r#"`#[column(sql_type = "…")]`"#),
        "{problem:?}"
    );
    assert_eq!(problem.fix, None);
}

#[tokio::test]
async fn missing_columns_are_added_to_rows_on_postgres() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute("CREATE TABLE odd (email TEXT)").await;
    pool.execute("INSERT INTO odd VALUES ('ada@example.com'), ('eve@example.com')")
        .await;
    let sql = followed_on_postgres::<OddUser>(&pool).await;
    assert!(
        sql.contains(r#"ADD COLUMN "clerk_version" BIGINT NOT NULL DEFAULT 0"#),
        "{sql}"
    );
    is_true(
        &pool,
        "odd WHERE clerk_version = 0 AND email LIKE '%@example.com'",
    )
    .await;
}

#[tokio::test]
async fn missing_columns_are_added_to_rows_on_sqlite() {
    let database = TestDatabase::sqlite();
    let pool = Pool::open(database.url(), 2).await;
    pool.execute("CREATE TABLE odd (email TEXT)").await;
    pool.execute("INSERT INTO odd VALUES ('ada@example.com'), ('eve@example.com')")
        .await;
    followed_on_sqlite::<OddUser>(&pool).await;
    is_true(
        &pool,
        "odd WHERE clerk_version = 0 AND email LIKE '%@example.com' AND clerk_id LIKE 'unlinked_%'",
    )
    .await;
}
