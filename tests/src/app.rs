//! The example application, served on a port of its own, with an issuer whose tokens it accepts.

use std::net::SocketAddr;
use std::sync::Arc;

use clerk_auth::Clerk;
use clerk_auth::testing::Issuer;
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use example_app::AppState;
use example_app::database::{Database, open_postgres, open_sqlite};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::database::TestDatabase;
use crate::profiles::Pool;

/// The origin of the front end that the application trusts.
pub const PARTY: &str = "https://app.example.com";

/// A running example application, stopped on drop.
#[derive(Debug)]
pub struct TestApp {
    /// Signs tokens that the application accepts.
    pub issuer: Issuer,
    /// The application's pool.
    pub pool: Pool,
    address: SocketAddr,
    client: Client,
    server: JoinHandle<()>,
    /// Kept until the application has stopped.
    _files: TestDatabase,
}

/// The application's answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: JSON, or text as a JSON string.
    pub body: Value,
}

impl Answer {
    /// Returns the header `x-user-sync`.
    pub fn sync(&self) -> &str {
        self.header("x-user-sync")
    }

    /// Returns a header as text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or(""))
    }

    /// Returns the `code` of a problem document.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

impl TestApp {
    /// Starts the application on an empty database.
    pub async fn start(files: TestDatabase) -> Self {
        let issuer = Issuer::new("https://clerk.example.com");
        let clerk = Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
            .authorized_parties([PARTY])
            .build()
            .expect("the configuration is right");
        let (pool, database) = open(&files).await;
        let state = AppState::new(clerk, database).await.expect("the tables fit");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let server = tokio::spawn(async move {
            axum::serve(listener, example_app::app(state))
                .await
                .expect("the server runs");
        });
        Self {
            issuer,
            pool,
            address,
            client: Client::new(),
            server,
            _files: files,
        }
    }

    /// Returns the claims of a session token of a user who last changed at `updated_at`, minted at `issued_at`.
    pub fn claims_at(&self, user_id: &str, updated_at: i64, issued_at: Timestamp) -> Map<String, Value> {
        let mut claims = self.issuer.claims(user_id, issued_at);
        let custom = json!({
            "azp": PARTY,
            "email": format!("{user_id}@example.com"),
            "firstName": "Ada",
            "lastName": null,
            "imageUrl": "https://img.example.com/ada",
            "updatedAt": updated_at,
        });
        if let Value::Object(custom) = custom {
            claims.extend(custom);
        }
        claims
    }

    /// Returns the claims of a session token that is minted now, a while after the user's last change.
    pub fn claims(&self, user_id: &str) -> Map<String, Value> {
        self.claims_at(user_id, 1_700_000_000, SystemClock.now())
    }

    /// Signs a token of these claims with some replaced, possibly by null.
    pub fn token(&self, mut claims: Map<String, Value>, replaced: Value) -> String {
        if let Value::Object(replaced) = replaced {
            claims.extend(replaced);
        }
        self.issuer.sign(&claims)
    }

    /// Sends `GET` with a bearer token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is a header value");
        let headers = [(reqwest::header::AUTHORIZATION, value)].into_iter().collect();
        self.get_with(path, headers).await
    }

    /// Sends `GET` with these headers.
    pub async fn get_with(&self, path: &str, headers: HeaderMap) -> Answer {
        let request = self
            .client
            .get(format!("http://{}{path}", self.address))
            .headers(headers);
        answer(request).await
    }

    /// Sends `POST` of JSON with a bearer token.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let request = self
            .client
            .post(format!("http://{}{path}", self.address))
            .bearer_auth(token)
            .json(body);
        answer(request).await
    }

    /// Runs a statement on the application's database.
    pub async fn execute(&self, sql: &'static str) {
        self.pool.execute(sql).await;
    }

    /// Returns the number that a statement selects.
    pub async fn number(&self, sql: &'static str) -> i64 {
        self.pool.number(sql).await
    }

    /// Closes the database under the application.
    pub async fn close_database(&self) {
        self.pool.close().await;
    }
}

/// Opens the example's database, with its tables. Returns the pool, and the pool as the example's `Database`.
pub async fn open(files: &TestDatabase) -> (Pool, Database) {
    if files.is_sqlite() {
        let pool = open_sqlite(files.url()).await.expect("the database opens");
        (Pool::Sqlite(pool.clone()), Arc::new(pool))
    } else {
        let pool = open_postgres(files.url()).await.expect("the database opens");
        (Pool::Postgres(pool.clone()), Arc::new(pool))
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the application answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("the body is text");
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}
