//! Tests of start-up on the databases of applications: each table and role either works, or is rejected with advice
//! that fixes it.
//!
//! The application's role does not own the database.

mod privileges;
mod schemas;

use clerk_auth::row::StoredIn;
use clerk_auth::schema::SchemaError;
use clerk_auth::sync::{Deletion, SyncOutcome};
use clerk_auth::{SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::postgres::private::PrivateServer;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, issuer, token};
use clerk_auth_tests::random_hex;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

/// A database, and a role with only the privileges that sync needs.
struct Server {
    database: TestDatabase,
    admin: Pool,
    role: String,
}

impl Server {
    async fn start() -> Self {
        let database = TestDatabase::postgres().await;
        let admin = Pool::open(database.url(), 1).await;
        let role = format!("app_{}", random_hex(6));
        admin
            .execute(&format!(
                "CREATE ROLE {role} LOGIN PASSWORD 'secret'; \
                 GRANT SELECT, INSERT, UPDATE ON profiles TO {role}; \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON clerk_denials TO {role}"
            ))
            .await;
        Self {
            database,
            admin,
            role,
        }
    }

    /// Runs statements as the owner; `ROLE` and `DATABASE` are replaced by the names.
    async fn execute(&self, sql: &str) {
        let options: PgConnectOptions = self.database.url().parse().expect("the URL is right");
        let sql = sql
            .replace("ROLE_NAME", &self.role)
            .replace("DATABASE_NAME", options.get_database().expect("it has a name"));
        self.admin.execute(&sql).await;
    }

    fn options(&self) -> PgConnectOptions {
        let options: PgConnectOptions = self.database.url().parse().expect("the URL is right");
        options.username(&self.role).password("secret")
    }

    async fn pool(&self) -> PgPool {
        connect(self.options()).await
    }

    async fn start_up<U: SyncedUser + StoredIn<sqlx::Postgres>>(&self) -> Result<UserSync<U>, SchemaError> {
        UserSync::new(issuer().clerk(), self.pool().await).await
    }

    /// Returns start-up's report; if it is empty, rows are inserted, updated and deleted.
    async fn report(&self) -> String {
        match self.start_up::<Profile>().await {
            Ok(_) => {
                works(self.pool().await).await;
                String::new()
            }
            Err(error) => error.to_string(),
        }
    }

    /// Runs the statements that start-up advises, as the owner of the database.
    async fn fix<U: SyncedUser + StoredIn<sqlx::Postgres>>(&self) {
        let Err(SchemaError::Table { problems, .. }) = self.start_up::<U>().await else {
            panic!("start-up has problems to report");
        };
        for problem in problems {
            let sql = problem.fix.unwrap_or_else(|| panic!("{}", problem.message));
            self.admin.execute(&sql).await;
        }
    }

    /// Asserts that start-up reports each of `expected`, and reports nothing more after its advice was followed.
    async fn assert_fixed_by_advice(&self, expected: &[&str]) {
        let message = self.report().await;
        for expected in expected {
            let expected = expected.replace("ROLE_NAME", &self.role);
            assert!(message.contains(&expected), "{expected}: {message}");
        }
        self.fix::<Profile>().await;
        assert_eq!(self.report().await, "", "after {expected:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let (admin, role) = (self.admin.clone(), self.role.clone());
        // Roles belong to the server. A destructor cannot await; the rest is removed with the cluster.
        tokio::spawn(async move {
            let Pool::Postgres(pool) = admin else { return };
            let sql =
                format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}");
            drop(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await);
        });
    }
}

async fn connect(options: PgConnectOptions) -> PgPool {
    let options = options.disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await;
    pool.expect("the role may connect")
}

/// Inserts, reads, updates and deletes a row.
async fn works(pool: PgPool) {
    let profiles = Profiles::start_on(Pool::Postgres(pool)).await;
    let id = format!("user_{}", random_hex(6));
    for (name, version, outcome) in [
        ("Łukasz 🎉", 100, SyncOutcome::Inserted),
        ("Grace", 200, SyncOutcome::Updated),
    ] {
        let synced = profiles.sync(token(&id, name, version)).await.expect("it syncs");
        assert_eq!(
            (synced.outcome, synced.user.name.as_deref()),
            (outcome, Some(name))
        );
    }
    let session = profiles.session(token(&id, "Grace", 200)).await;
    let deleted = profiles.users.delete(session.user_id()).await;
    assert_eq!(deleted.expect("it is deleted"), Deletion::Deleted);
}

#[tokio::test]
async fn relation_that_is_not_a_table_is_refused() {
    let rename = "ALTER TABLE profiles RENAME TO people";
    for (sql, expected) in [
        (
            "DROP TABLE profiles; CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER remote FOREIGN DATA WRAPPER nowhere; \
             CREATE FOREIGN TABLE profiles (id BIGINT, clerk_id TEXT) SERVER remote",
            "`profiles` is a foreign table, in which PostgreSQL has no upsert; connect to the database that stores it",
        ),
        (
            "RENAME; CREATE VIEW profiles AS SELECT * FROM people",
            "`profiles` is a view",
        ),
        (
            "RENAME; CREATE VIEW profiles AS SELECT * FROM people; CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER put INSTEAD OF INSERT OR UPDATE ON profiles FOR EACH ROW \
             EXECUTE FUNCTION put()",
            "`profiles` is a view",
        ),
        (
            "RENAME; CREATE MATERIALIZED VIEW profiles AS SELECT * FROM people",
            "`profiles` is a materialized view",
        ),
        (
            "RENAME; CREATE SEQUENCE profiles",
            "`profiles` is a sequence, name the table with",
        ),
        (
            "RENAME; CREATE TYPE profiles AS (id INT)",
            "`profiles` is a composite type",
        ),
        (
            "DROP TABLE profiles; CREATE TABLE profiles (id BIGINT GENERATED ALWAYS AS IDENTITY, \
             clerk_id TEXT NOT NULL UNIQUE, email TEXT, name TEXT, clerk_version BIGINT NOT NULL, \
             clerk_deleted_at TIMESTAMPTZ) PARTITION BY HASH (clerk_id)",
            "`profiles` is a partitioned table, for which PostgreSQL does not return `xmax`",
        ),
    ] {
        let server = Server::start().await;
        server.execute(&sql.replace("RENAME", rename)).await;
        let message = server.report().await;
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[tokio::test]
async fn obstacle_to_an_upsert_is_removed_by_the_advice() {
    for (sql, expected) in [
        (
            "CREATE TABLE guests (room TEXT) INHERITS (profiles)",
            "`profiles` is inherited by `guests`",
        ),
        (
            "CREATE RULE quiet AS ON UPDATE TO profiles DO INSTEAD NOTHING",
            "the rule `quiet` on `profiles`",
        ),
        (
            "ALTER TABLE profiles DROP email; ALTER TABLE profiles ADD email TEXT GENERATED ALWAYS AS (lower(clerk_id)) STORED",
            "the column `email` is generated by the database, and sync writes it",
        ),
        (
            "ALTER TABLE profiles DROP clerk_version; \
             ALTER TABLE profiles ADD clerk_version BIGINT GENERATED ALWAYS AS IDENTITY",
            "ALTER COLUMN \"clerk_version\" DROP IDENTITY",
        ),
        (
            "ALTER TABLE profiles RENAME TO whole; CREATE TABLE parts (LIKE whole) PARTITION BY LIST (name); \
             DROP TABLE whole; CREATE TABLE profiles PARTITION OF parts DEFAULT; \
             ALTER TABLE profiles ADD UNIQUE (clerk_id), ALTER id SET DEFAULT 7; \
             GRANT SELECT, INSERT, UPDATE ON profiles TO ROLE_NAME",
            "`profiles` is a partition of `parts`",
        ),
    ] {
        let server = Server::start().await;
        server.execute(sql).await;
        server.assert_fixed_by_advice(&[expected]).await;
    }
    // A table that inherits from another works like any table.
    let server = Server::start().await;
    server
        .execute("CREATE TABLE beings (age INT); ALTER TABLE profiles ADD age INT; ALTER TABLE profiles INHERIT beings")
        .await;
    assert_eq!(server.report().await, "");
}

/// Start-up checks statements with the parameter types of run time, and also the types of columns without a field.
#[tokio::test]
async fn column_of_another_type_is_reported() {
    for (sql, expected) in [
        (
            "ALTER TABLE profiles ALTER clerk_version TYPE INT",
            "the column `clerk_version` is `integer`, from which the field cannot be read",
        ),
        (
            "ALTER TABLE clerk_denials ALTER version TYPE INT",
            "denials (bans, deletions, ends of sessions): the column `version` is `integer`",
        ),
    ] {
        let server = Server::start().await;
        server.execute(sql).await;
        server.assert_fixed_by_advice(&[expected]).await;
    }
    let server = Server::start().await;
    server
        .execute("ALTER TABLE clerk_denials ALTER id TYPE UUID USING NULL")
        .await;
    let message = server.report().await;
    let expected = "cannot run its record denials statement: column \"id\" is of type uuid but expression is of type text";
    assert!(message.contains(expected), "{message}");
}

#[tokio::test]
async fn encoding_that_cannot_hold_every_name_is_refused() {
    for (encoding, is_refused) in [("LATIN1", true), ("EUC_KR", true), ("SQL_ASCII", false)] {
        let server = Server::start().await;
        let name = format!("encoded_{}", random_hex(6));
        server
            .execute(&format!(
                "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            ))
            .await;
        let options: PgConnectOptions = server.database.url().parse().expect("the URL is right");
        let options = options.database(&name);
        let pool = connect(options).await;
        let sql = AssertSqlSafe(Profile::migration_sql::<sqlx::Postgres>());
        sqlx::raw_sql(sql)
            .execute(&pool)
            .await
            .expect("the tables are made");
        if is_refused {
            let started = UserSync::<Profile>::new(issuer().clerk(), pool.clone()).await;
            let message = started.expect_err(encoding).to_string();
            let expected = format!("the encoding of the database `{name}` is {encoding}");
            assert!(message.contains(&expected), "{message}");
            let fix = format!("CREATE DATABASE \"{name}_utf8\" ENCODING 'UTF8'");
            assert!(message.contains(&fix), "{message}");
        } else {
            works(pool.clone()).await;
        }
        pool.close().await;
        server
            .execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await;
    }
}

#[tokio::test]
async fn standby_is_refused() {
    let server = PrivateServer::start("").await;
    let pool = Pool::open(&server.url(), 2).await.postgres().clone();
    pool.close().await;
    server.restart_as_standby().await;
    let options: PgConnectOptions = server.url().parse().expect("the URL is right");
    let started = UserSync::<Profile>::new(issuer().clerk(), connect(options).await).await;
    let message = started.expect_err("it only reads").to_string();
    assert!(
        message.contains("the server is a standby, which accepts no writes"),
        "{message}"
    );
}
