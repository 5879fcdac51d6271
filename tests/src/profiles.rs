//! A table that only sync writes, so that its rows are cached, and the handles on it.

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{CREATE_DENIALS, SyncError, UserSyncBuilder};
use clerk_auth::testing::{Issuer, MovableClock, SessionToken, SignedDelivery};
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, Session, Synced, SyncedUser, UserSync};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Executor, PgPool, SqlitePool};
use tower::ServiceExt;

use crate::database::TestDatabase;

/// A user's profile, written only by sync.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "profiles",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
pub struct Profile {
    /// Made by the database.
    #[column(generated)]
    pub id: i64,
    /// The key.
    pub clerk_id: String,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub name: Option<String>,
}

/// Like [`Profile`], but not `Clone`, so that rows are not shared and each request reads its row.
#[derive(Debug, SyncedUser)]
#[synced_user(
    table = "profiles",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite),
    fresh_for = "0s"
)]
pub struct AlwaysRead {
    /// The key.
    pub clerk_id: String,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub name: Option<String>,
}

/// Like [`Profile`], for a table from which the rows of deleted users are removed.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "members",
    tombstones = "former_members",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
pub struct Member {
    /// Made by the database.
    #[column(generated)]
    pub id: i64,
    /// The key.
    pub clerk_id: String,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub name: Option<String>,
}

/// A pool of either database.
#[derive(Clone, Debug)]
pub enum Pool {
    /// PostgreSQL.
    Postgres(PgPool),
    /// SQLite.
    Sqlite(SqlitePool),
}

/// The handles of one process.
#[derive(Debug)]
pub struct Profiles<U: SyncedUser = Profile> {
    /// The handle under test.
    pub users: UserSync<U>,
    /// Its pool.
    pub pool: Pool,
    /// Its clock.
    pub clock: MovableClock,
    clerk: Clerk,
}

impl Pool {
    /// Opens a pool, and creates the table if it is missing.
    ///
    /// # Panics
    ///
    /// If the database does not answer.
    pub async fn open(url: &str, connections: u32) -> Self {
        let pool = if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse().expect("the URL is right");
            let options = options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal);
            let pool = SqlitePoolOptions::new()
                .max_connections(connections)
                .connect_with(options);
            Self::Sqlite(pool.await.expect("the file opens"))
        } else {
            let pool = PgPoolOptions::new().max_connections(connections).connect(url);
            Self::Postgres(pool.await.expect("the server answers"))
        };
        let create_table = match pool {
            Self::Postgres(_) => <Profile as StoredIn<sqlx::Postgres>>::create_table(),
            Self::Sqlite(_) => <Profile as StoredIn<sqlx::Sqlite>>::create_table(),
        };
        let create_table = create_table.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1);
        pool.execute(&create_table).await;
        pool.execute(CREATE_DENIALS).await;
        pool
    }

    /// Returns the pool of a test that runs on PostgreSQL alone.
    ///
    /// # Panics
    ///
    /// If it is one of SQLite.
    pub fn postgres(&self) -> &PgPool {
        match self {
            Self::Postgres(pool) => pool,
            Self::Sqlite(_) => panic!("the database is SQLite"),
        }
    }

    /// Closes the connections of the pool.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }

    /// Runs a statement, and returns how many rows it changed.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn execute(&self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(pool) => pool.execute(sql).await.expect("it runs").rows_affected(),
            Self::Sqlite(pool) => pool.execute(sql).await.expect("it runs").rows_affected(),
        }
    }

    /// Returns the number that a statement selects.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn number(&self, sql: &str) -> i64 {
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
        }
        .expect("it gives a number")
    }

    /// Returns the text that a statement selects.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn text(&self, sql: &str) -> Option<String> {
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
        }
        .expect("it gives a text")
    }
}

/// Returns the issuer of every test's tokens. All tests share it, because the creation of its key is slow.
pub fn issuer() -> &'static Issuer {
    static ISSUER: std::sync::OnceLock<Issuer> = std::sync::OnceLock::new();
    ISSUER.get_or_init(|| Issuer::new("https://clerk.example.com"))
}

/// Creates a token of a user with this name and an own address, who was last changed in this second.
pub fn token(user_id: &str, name: &str, updated_at: i64) -> SessionToken<'static> {
    issuer()
        .token(user_id)
        .claim("email", format!("{user_id}@example.com"))
        .claim("name", name)
        .claim("updatedAt", updated_at)
}

impl Profiles {
    /// Starts a process on the database.
    pub async fn start(database: &TestDatabase) -> Self {
        Self::start_on(Pool::open(database.url(), 10).await).await
    }

    /// Like [`start`](Self::start), on an open pool.
    ///
    /// # Panics
    ///
    /// If the table does not fit.
    pub async fn start_on(pool: Pool) -> Self {
        Self::start_with(pool, |builder| builder, |builder| builder).await
    }

    /// Like [`start_on`](Self::start_on), with further configuration of the builder.
    ///
    /// # Panics
    ///
    /// If the table does not fit.
    pub async fn start_with(
        pool: Pool,
        postgres: impl FnOnce(UserSyncBuilder<Profile, PgPool>) -> UserSyncBuilder<Profile, PgPool>,
        sqlite: impl FnOnce(UserSyncBuilder<Profile, SqlitePool>) -> UserSyncBuilder<Profile, SqlitePool>,
    ) -> Self {
        Self::of_table(pool, postgres, sqlite).await
    }
}

impl<U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>> Profiles<U> {
    /// Like [`start_with`](Profiles::start_with), for the table of another struct.
    ///
    /// # Panics
    ///
    /// If the table does not fit.
    pub async fn of_table(
        pool: Pool,
        postgres: impl FnOnce(UserSyncBuilder<U, PgPool>) -> UserSyncBuilder<U, PgPool>,
        sqlite: impl FnOnce(UserSyncBuilder<U, SqlitePool>) -> UserSyncBuilder<U, SqlitePool>,
    ) -> Self {
        let (clerk, clock) = clerk();
        let users = match &pool {
            Pool::Postgres(pool) => {
                postgres(UserSync::builder(clerk.clone(), pool.clone()))
                    .build()
                    .await
            }
            Pool::Sqlite(pool) => {
                sqlite(UserSync::builder(clerk.clone(), pool.clone()))
                    .build()
                    .await
            }
        };
        Self {
            users: users.expect("the table fits"),
            pool,
            clock,
            clerk,
        }
    }
}

impl Profiles<AlwaysRead> {
    /// Starts a process without a cache.
    ///
    /// # Panics
    ///
    /// If the table does not fit.
    pub async fn always_read(pool: Pool) -> Self {
        let (clerk, clock) = clerk();
        let users = match &pool {
            Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
            Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        };
        Self {
            users: users.expect("the table fits"),
            pool,
            clock,
            clerk,
        }
    }
}

impl<U: SyncedUser> Profiles<U> {
    /// Returns the handle that verifies tokens.
    pub fn clerk(&self) -> &Clerk {
        &self.clerk
    }

    /// Returns the verified session of a token.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn session(&self, token: SessionToken<'_>) -> Session {
        self.authenticate(token).await.expect("the token is valid")
    }

    /// Verifies a token that may be refused, and returns its session.
    ///
    /// # Errors
    ///
    /// Those of the handle.
    pub async fn authenticate(&self, token: SessionToken<'_>) -> Result<Session, AuthenticationError> {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.issued_at(self.clock.now()).sign()))
            .expect("it is a header's value");
        let headers: HeaderMap = [(AUTHORIZATION, value)].into_iter().collect();
        self.clerk.authenticate(&headers).await
    }

    /// Returns the row of a token's user.
    ///
    /// # Errors
    ///
    /// Those of sync.
    ///
    /// # Panics
    ///
    /// If the token is refused for another reason than that the user is deleted.
    pub async fn sync(&self, token: SessionToken<'_>) -> Result<Synced<U>, SyncError> {
        match self.authenticate(token).await {
            Ok(session) => self.users.sync(&session).await,
            // The denial and the row cause the same answer: 401 `user_deleted`.
            Err(AuthenticationError::Refused(Refusal::UserDeleted)) => Err(SyncError::UserDeleted),
            Err(error) => panic!("{error}"),
        }
    }
}

/// An invented secret of webhooks.
const WEBHOOK_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

impl<U: SyncedUser> Profiles<U> {
    /// Sends a delivery of an event, signed now, and returns the status of the answer.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub async fn receive(&self, event: &Value) -> StatusCode {
        let delivery = SignedDelivery::new(WEBHOOK_SECRET, event, self.clock.now());
        let verifier =
            WebhookVerifier::new(WEBHOOK_SECRET.parse().expect("a secret")).clock(self.clock.clone());
        let router: Router = Router::new().route("/", webhooks(&self.users, verifier));
        let answer = router.oneshot(delivery.request("/")).await;
        answer.expect("a router answers").status()
    }
}

/// Creates a handle whose clock starts at the present time and moves only on request.
fn clerk() -> (Clerk, MovableClock) {
    let clock = MovableClock::new(SystemClock.now());
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem())
        .clock(clock.clone())
        .build()
        .expect("the configuration is right");
    (clerk, clock)
}
