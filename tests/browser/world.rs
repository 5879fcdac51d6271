//! Starts an application with its stand-in and database, on its own port.

use std::net::SocketAddr;
use std::time::Duration;

use axum::middleware::from_fn_with_state;
use axum::response::Html;
use axum::routing::get;
use clerk_auth::dev::StandIn;
use clerk_auth::routing::{Router, webhooks};
use clerk_auth::{Clerk, SyncedRow};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use example_app::organization::{Membership, Organization};
use example_app::page::FrontEnd;
use example_app::user::User;
use example_app::{AppState, app, trials};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::browser::{BrowserProfile, Page, packages};
use crate::transcript::{Transcript, record};

/// Returns a directory with two users, and an organization of both.
fn directory() -> Value {
    json!({
        "users": [
            { "id": "user_ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace" },
            { "id": "user_bob", "email": "bob@example.com", "first_name": "Bob" },
        ],
        "organizations": [
            { "id": "org_acme", "name": "Acme", "members": [
                { "user_id": "user_ada", "role": "org:admin" },
                { "user_id": "user_bob", "role": "org:member" },
            ]},
            { "id": "org_beta", "name": "Beta", "members": [{ "user_id": "user_ada", "role": "org:member" }] },
        ],
    })
}

/// A running application. It stops when this is dropped.
pub(crate) struct World {
    pub(crate) origin: String,
    pub(crate) stand_in: StandIn,
    pub(crate) transcript: Transcript,
    pub(crate) rows: Pool,
    scenario: &'static str,
    client: Client,
    server: JoinHandle<()>,
    _database: TestDatabase,
}

impl World {
    /// Starts an application with an empty table, and a stand-in with two users.
    pub(crate) async fn start(scenario: &'static str) -> Self {
        Self::start_with(scenario, |stand_in| stand_in, |router| router).await
    }

    /// Starts an application with another stand-in or other layers.
    pub(crate) async fn start_with(
        scenario: &'static str,
        configure: impl FnOnce(StandIn) -> StandIn,
        layer: impl FnOnce(Router) -> Router,
    ) -> Self {
        Self::serve(scenario, configure, layer, |_| None, standard).await
    }

    /// Starts an application with the example's page, which gets this configuration.
    pub(crate) async fn start_page(
        scenario: &'static str,
        front_end: impl FnOnce(&StandIn) -> FrontEnd,
    ) -> Self {
        let page = |stand_in: &StandIn| Some(front_end(stand_in));
        Self::serve(scenario, |stand_in| stand_in, |router| router, page, standard).await
    }

    /// Starts an application that denies agents by default.
    pub(crate) async fn start_without_agents(scenario: &'static str) -> Self {
        let clerk = |_: &StandIn, origin: &str| {
            let clerk = Clerk::builder().issuer(format!("{origin}/dev"));
            let clerk = clerk.authorized_parties([origin]).deny_agents().build();
            clerk.expect("the configuration is right")
        };
        Self::serve(scenario, |stand_in| stand_in, |router| router, |_| None, clerk).await
    }

    async fn serve(
        scenario: &'static str,
        configure: impl FnOnce(StandIn) -> StandIn,
        layer: impl FnOnce(Router) -> Router,
        front_end: impl FnOnce(&StandIn) -> Option<FrontEnd>,
        clerk: impl FnOnce(&StandIn, &str) -> Clerk,
    ) -> Self {
        let (listener, address) = listen().await;
        let origin = format!("http://{address}");
        let stand_in = StandIn::new(&origin, User::TEMPLATE)
            .expect("the origin is one of loopback")
            .organization_template(Organization::TEMPLATE)
            .organization_template(Membership::TEMPLATE)
            .packages(packages().join("node_modules"));
        let stand_in = configure(stand_in);
        stand_in.set_directory(directory()).expect("the directory is one");
        let clerk = clerk(&stand_in, &origin);
        let database = TestDatabase::sqlite();
        let (rows, opened) = clerk_auth_tests::app::open(&database).await;
        let trials = trials::routes(opened.clone());
        let state = AppState::new(clerk, opened).await.expect("the tables fit");
        let received = webhooks(&state.users, stand_in.webhook_verifier());
        let transcript = Transcript::default();
        let page = page(&origin, &stand_in, &origin);
        let front_end = front_end(&stand_in).map(FrontEnd::routes).unwrap_or_default();
        let router = layer(app(state))
            .public("/webhooks/clerk", received)
            .public("/page", get(async move || Html(page)))
            .merge(front_end)
            .merge(trials)
            .public_nest("/dev", stand_in.router())
            .layer(from_fn_with_state(transcript.clone(), record));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the server runs");
        });
        Self {
            origin,
            stand_in,
            transcript,
            rows,
            scenario,
            client: Client::new(),
            server,
            _database: database,
        }
    }

    /// Opens the application's page in a profile.
    pub(crate) async fn open(&self, profile: &BrowserProfile) -> Page {
        let page = profile.open(&format!("{}/page", self.origin)).await;
        page.run("await ready").await;
        page
    }

    /// Makes a request to the stand-in, as an operator or a test does.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.client.request(method, format!("{}/dev{path}", self.origin));
        let response = request.json(&body).send().await.expect("the stand-in answers");
        let status = response.status();
        let text = response.text().await.expect("a text");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    pub(crate) async fn row_count(&self, condition: &str) -> i64 {
        self.rows
            .number(&format!("SELECT COUNT(*) FROM users WHERE {condition}"))
            .await
    }

    /// Waits until this many rows meet the condition.
    pub(crate) async fn until_rows(&self, condition: &str, count: i64) {
        let waited = async {
            while self.row_count(condition).await != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), waited).await;
        assert!(in_time.is_ok(), "{count} rows with {condition}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.transcript.write(self.scenario);
        self.server.abort();
    }
}

fn standard(stand_in: &StandIn, _: &str) -> Clerk {
    let clerk = stand_in.clerk();
    clerk.expect("the stand-in's own configuration is right")
}

/// Returns a page with Clerk's own JavaScript, which calls the application at `api`.
pub(crate) fn page(origin: &str, stand_in: &StandIn, api: &str) -> String {
    let api = if api == origin { "" } else { api };
    include_str!("page.html")
        .replace("PROXY_URL", &format!("{api}/dev/clerk"))
        .replace("PUBLISHABLE_KEY", stand_in.publishable_key())
        .replace("API_ORIGIN", api)
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    (listener, address)
}
