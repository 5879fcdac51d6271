//! The example as a process, with its database: actions of a person at Clerk, imports, and the resulting rows.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use clerk_auth_tests::app;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::example::process::{Running, command};

/// A proxy that never answers: requests to this machine must bypass it.
const NOBODYS_PROXY: (&str, &str) = ("HTTP_PROXY", "http://127.0.0.1:1");

/// A running example with the stand-in for Clerk.
pub(crate) struct Example {
    /// The example's database, opened by the test.
    pub(crate) rows: Pool,
    host: String,
    client: Client,
    /// Ends before the database is removed.
    _running: Running,
    /// The process must be able to write its last lines.
    _output: BufReader<ChildStdout>,
    database: TestDatabase,
}

/// The output of a command, and its exit code.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Example {
    pub(crate) async fn start(database: TestDatabase) -> Self {
        let mut running = Running(
            command(&[("DATABASE_URL", database.url()), NOBODYS_PROXY])
                .stderr(Stdio::null())
                .spawn()
                .expect("the example runs"),
        );
        let mut output = BufReader::new(running.0.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says where it listens");
        let host = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("it says where it listens");
        Self {
            rows: app::open(&database).await.0,
            host: host.to_owned(),
            client: Client::new(),
            _running: running,
            _output: output,
            database,
        }
    }

    /// Signs a user in.
    pub(crate) async fn token(&self, person: Value) -> String {
        let (status, body) = self.mint(&person).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["token"].as_str().expect("there is a token").to_owned()
    }

    /// Requests a token, which may be refused.
    pub(crate) async fn mint(&self, request: &Value) -> (StatusCode, Value) {
        answer(self.client.post(self.url("/dev/token")).json(request)).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (StatusCode, Value) {
        answer(self.client.get(self.url(path)).bearer_auth(token)).await
    }

    /// Changes a user at Clerk, or creates one.
    pub(crate) async fn change(&self, user_id: &str, change: Value) {
        let request = self.client.post(self.url(&format!("/dev/users/{user_id}")));
        let (status, body) = answer(request.json(&change)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }

    /// Like `change`, with the webhook held back until after the next.
    pub(crate) async fn change_late(&self, user_id: &str, first_name: &str) {
        let change = json!({ "first_name": first_name, "webhook": { "hold": true } });
        self.change(user_id, change).await;
    }

    /// Changes or creates an organization or a member at Clerk, with the webhook held back until after the next.
    pub(crate) async fn change_organization_late(&self, path: &str, mut change: Value) {
        change["webhook"] = json!({ "hold": true });
        let request = self.client.post(self.url(&format!("/dev/organizations/{path}")));
        let (status, body) = answer(request.json(&change)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }

    /// Deletes a user at Clerk; `webhook` describes the faults of the delivery.
    pub(crate) async fn delete(&self, user_id: &str, webhook: Value) {
        let request = self.client.delete(self.url(&format!("/dev/users/{user_id}")));
        let (status, body) = answer(request.json(&json!({ "webhook": webhook }))).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }

    /// Sends the application an unsigned webhook.
    pub(crate) async fn post_webhook(&self, event: &Value) -> (StatusCode, Value) {
        answer(self.client.post(self.url("/webhooks/clerk")).json(event)).await
    }

    /// Runs the example with these arguments next to the running one.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Printed {
        run(&self.host, self.database.url(), arguments).await
    }

    /// Returns the number of live rows of a user with this first name.
    pub(crate) async fn named(&self, user_id: &str, first_name: &str) -> i64 {
        let sql = format!(
            "SELECT COUNT(*) FROM users WHERE clerk_id = '{user_id}' AND first_name = '{first_name}' AND \
             clerk_deleted_at IS NULL"
        );
        self.rows.number(&sql).await
    }

    pub(crate) async fn is_marked_as_deleted(&self, user_id: &str) -> bool {
        let sql = format!(
            "SELECT COUNT(*) FROM users WHERE clerk_id = '{user_id}' AND clerk_deleted_at IS NOT NULL"
        );
        self.rows.number(&sql).await == 1
    }

    pub(crate) async fn row_count(&self) -> i64 {
        self.rows.number("SELECT COUNT(*) FROM users").await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }
}

/// Runs the example with these arguments until it ends.
pub(crate) async fn run(host: &str, database_url: &str, arguments: &[&str]) -> Printed {
    let mut command = command(&[
        ("LISTEN_ADDR", host),
        ("DATABASE_URL", database_url),
        NOBODYS_PROXY,
    ]);
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("it is waited for").expect("the example runs");
    Printed {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).expect("it prints text"),
        errors: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Waits until the condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("the example answers");
    let status = response.status();
    let text = response.text().await.expect("the body is text");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
