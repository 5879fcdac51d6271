//! `example-app import` and `verify`, as processes next to the serving example, with the same database and stand-in.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use clerk_auth::SyncedRow;
use clerk_auth::dev::StandIn;
use clerk_auth_tests::app;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use example_app::user::User;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::example::process::{Running, command};
use crate::example::rows::{Example, Printed, run};

on_both_databases!(
    users_without_a_webhook_are_imported,
    organizations_and_memberships_are_imported_and_compared,
    rows_of_missing_users_are_marked_on_request,
    import_resumes_after_a_cursor,
    requests_are_served_while_an_import_runs,
    drift_is_printed_as_text_and_as_json,
    interrupted_import_prints_the_command_that_resumes_it,
    stopped_import_prints_its_cursor,
);

impl Printed {
    #[track_caller]
    fn succeeded(&self, output: &str) {
        assert_eq!((self.code, &*self.output), (Some(0), output), "{}", self.errors);
    }

    #[track_caller]
    fn failed(&self, code: i32, errors: &[&str]) {
        assert_eq!((self.code, &*self.output), (Some(code), ""), "{}", self.errors);
        for error in errors {
            assert!(self.errors.contains(error), "{error} is not in:\n{}", self.errors);
        }
    }
}

/// Starts the example with three users whose webhooks do not arrive.
async fn start_with_three(database: TestDatabase) -> Example {
    let example = Example::start(database).await;
    for (user_id, first_name) in [("user_1", "Ada"), ("user_2", "Grace"), ("user_3", "Mary")] {
        example.change_late(user_id, first_name).await;
    }
    example
}

async fn users_without_a_webhook_are_imported(database: TestDatabase) {
    let example = start_with_three(database).await;
    let counts = "3 inserted, 0 updated, 0 unchanged, 0 skipped, 0 conflicted, 0 deleted";

    let printed = example.run(&["import", "--dry-run"]).await;
    printed.succeeded(&format!("dry run, nothing is written: {counts}\n"));
    assert_eq!(example.row_count().await, 0);

    let printed = example.run(&["import"]).await;
    printed.succeeded(&format!("imported: {counts}\n"));
    // Without a terminal, each step is a line, and there is no bar.
    assert!(
        printed
            .errors
            .contains(&format!("3 of 3 users: {counts} (users after user_3)\n")),
        "{}",
        printed.errors
    );
    assert!(!printed.errors.contains('\x1b'), "{}", printed.errors);
    assert_eq!(example.row_count().await, 3);
    assert_eq!(example.named("user_2", "Grace").await, 1);

    example.change_late("user_2", "Hopper").await;
    example
        .run(&["import"])
        .await
        .succeeded("imported: 0 inserted, 1 updated, 2 unchanged, 0 skipped, 0 conflicted, 0 deleted\n");
    assert_eq!(example.named("user_2", "Hopper").await, 1);
    example
        .run(&["import"])
        .await
        .succeeded("imported: 0 inserted, 0 updated, 3 unchanged, 0 skipped, 0 conflicted, 0 deleted\n");
}

async fn organizations_and_memberships_are_imported_and_compared(database: TestDatabase) {
    let example = start_with_three(database).await;
    for (path, change) in [
        ("org_acme", json!({ "name": "Acme" })),
        ("org_acme/members/user_1", json!({ "role": "org:admin" })),
        ("org_acme/members/user_2", json!({})),
    ] {
        example.change_organization_late(path, change).await;
    }
    let printed = example.run(&["import", "memberships"]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    printed.succeeded("imported: 0 inserted, 0 updated, 0 unchanged, 2 skipped, 0 conflicted, 0 deleted\n");
    assert!(
        printed.errors.contains("user_1 in org_acme: "),
        "a membership without its user is named:\n{}",
        printed.errors
    );
    for (rows, counted) in [("users", 3), ("organizations", 1), ("memberships", 2)] {
        let counts =
            format!("{counted} inserted, 0 updated, 0 unchanged, 0 skipped, 0 conflicted, 0 deleted");
        let printed = example.run(&["import", rows]).await;
        printed.succeeded(&format!("imported: {counts}\n"));
        let shown = format!("{counted} of {counted} {rows}: {counts}");
        assert!(printed.errors.contains(&shown), "{}", printed.errors);
        let compared = example.run(&["verify", rows]).await;
        assert_eq!(compared.code, Some(0), "{}", compared.output);
    }
    let late = json!({ "role": "org:admin" });
    example
        .change_organization_late("org_acme/members/user_2", late)
        .await;
    let compared = example.run(&["verify", "memberships"]).await;
    assert_eq!(compared.code, Some(1), "{}", compared.errors);
    assert!(
        compared.output.contains("user_2 in org_acme"),
        "{}",
        compared.output
    );
}

async fn rows_of_missing_users_are_marked_on_request(database: TestDatabase) {
    let example = start_with_three(database).await;
    let token = example.token(json!({ "user_id": "user_2" })).await;
    assert_eq!(example.get("/api/me", &token).await.0, StatusCode::OK);
    example.run(&["import"]).await;
    example.delete("user_2", json!({ "hold": true })).await;

    example
        .run(&["import"])
        .await
        .succeeded("imported: 0 inserted, 0 updated, 2 unchanged, 0 skipped, 0 conflicted, 0 deleted\n");
    let counts = "0 inserted, 0 updated, 2 unchanged, 0 skipped, 0 conflicted, 1 deleted";
    example
        .run(&["import", "--delete-missing", "--dry-run"])
        .await
        .succeeded(&format!("dry run, nothing is written: {counts}\n"));
    assert!(!example.is_marked_as_deleted("user_2").await);
    assert_eq!(example.get("/api/me", &token).await.0, StatusCode::OK);

    example
        .run(&["import", "--delete-missing"])
        .await
        .succeeded(&format!("imported: {counts}\n"));
    assert!(example.is_marked_as_deleted("user_2").await);
    let (status, problem) = example.get("/api/me", &token).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNAUTHORIZED, &json!("user_deleted"))
    );
    example
        .run(&["import", "--delete-missing"])
        .await
        .succeeded("imported: 0 inserted, 0 updated, 2 unchanged, 0 skipped, 0 conflicted, 0 deleted\n");
}

async fn import_resumes_after_a_cursor(database: TestDatabase) {
    let example = start_with_three(database).await;
    let printed = example.run(&["import", "--after", "users after user_1"]).await;
    printed.succeeded("imported: 2 inserted, 0 updated, 0 unchanged, 0 skipped, 0 conflicted, 0 deleted\n");
    assert_eq!(example.row_count().await, 2);
    assert_eq!(example.named("user_1", "Ada").await, 0);

    let printed = example
        .run(&["import", "--after", "users after user_nobody"])
        .await;
    printed.failed(
        1,
        &["if Clerk has deleted the user of `--after` since, omit `--after`"],
    );
}

/// Both processes write, and on SQLite into one file.
async fn requests_are_served_while_an_import_runs(database: TestDatabase) {
    let example = Example::start(database).await;
    for place in 0..700 {
        example.change_late(&format!("user_{place}"), "Ada").await;
    }
    let mut served = 0;
    let mut import = pin!(example.run(&["import"]));
    let printed = loop {
        let user_id = format!("user_visitor_{served}");
        let visit = async {
            let token = example.token(json!({ "user_id": user_id })).await;
            example.get("/api/me", &token).await
        };
        tokio::select! {
            printed = &mut import => break printed,
            (status, me) = visit => assert_eq!(status, StatusCode::OK, "{me}"),
        }
        served += 1;
    };
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    assert!(
        printed.output.contains("0 skipped, 0 conflicted, 0 deleted"),
        "{}",
        printed.output
    );
    let imported = "SELECT COUNT(*) FROM users WHERE first_name = 'Ada'";
    assert_eq!(example.rows.number(imported).await, 700);
    let visitors = "SELECT COUNT(*) FROM users WHERE clerk_id LIKE 'user_visitor_%'";
    assert!(example.rows.number(visitors).await >= served);
}

async fn drift_is_printed_as_text_and_as_json(database: TestDatabase) {
    let example = start_with_three(database).await;
    let printed = example.run(&["verify"]).await;
    assert_eq!(printed.code, Some(1), "{}", printed.errors);
    assert_eq!(
        printed.output,
        "3 users, 0 rows: 3 missing, 0 stale, 0 extra, 0 deleted, 0 unreadable\n\
         missing user_1\nmissing user_2\nmissing user_3\n"
    );
    let printed = example.run(&["verify", "--json"]).await;
    assert_eq!(printed.code, Some(1), "{}", printed.errors);
    let drift: Value = serde_json::from_str(&printed.output).expect("it is JSON");
    assert_eq!(drift["missing"]["ids"], json!(["user_1", "user_2", "user_3"]));
    assert_eq!(example.row_count().await, 0);

    example.run(&["import"]).await;
    let printed = example.run(&["verify"]).await;
    printed.succeeded("3 users, 3 rows: 0 missing, 0 stale, 0 extra, 0 deleted, 0 unreadable\n");
}

/// The behaviour of the stand-in at the first request for the second page.
#[derive(Clone, Copy)]
enum SecondPage {
    IsRefusedOnce,
    NeverComes,
}

/// A stand-in with one user more than a page holds.
struct TwoPages {
    host: String,
    server: JoinHandle<()>,
}

impl Drop for TwoPages {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TwoPages {
    async fn start(second: SecondPage) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let host = listener.local_addr().expect("it has an address").to_string();
        let stand_in = StandIn::new(&format!("http://{host}"), User::TEMPLATE).expect("it is on loopback");
        let is_first = Arc::new(AtomicBool::new(true));
        let pages = from_fn(move |request: Request, next: Next| {
            let is_first = Arc::clone(&is_first);
            async move {
                let query = request.uri().query().unwrap_or_default();
                if query.contains("starting_after=user_0499") && is_first.swap(false, Ordering::Relaxed) {
                    match second {
                        SecondPage::NeverComes => std::future::pending().await,
                        SecondPage::IsRefusedOnce => return StatusCode::UNAUTHORIZED.into_response(),
                    }
                }
                next.run(request).await
            }
        });
        let app = Router::new().nest("/dev", stand_in.router()).layer(pages);
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("the server runs");
        });
        let client = reqwest::Client::new();
        for place in 0..=500 {
            let request = client.post(format!("http://{host}/dev/users/user_{place:04}"));
            let held = request.json(&json!({ "webhook": { "hold": true } }));
            let answer = held.send().await.expect("it answers");
            assert_eq!(answer.status(), StatusCode::OK);
        }
        Self { host, server }
    }
}

async fn interrupted_import_prints_the_command_that_resumes_it(database: TestDatabase) {
    let clerk = TwoPages::start(SecondPage::IsRefusedOnce).await;
    let (rows, _) = app::open(&database).await;
    let printed = run(&clerk.host, database.url(), &["import"]).await;
    printed.failed(1, &["Clerk refuses the secret key", "`users after user_0499`"]);
    assert_eq!(rows.number("SELECT COUNT(*) FROM users").await, 500);

    // The command as printed, in a shell.
    let advised = printed.errors.lines().last().expect("there is advice").trim();
    assert!(
        advised.ends_with("import --after 'users after user_0499'"),
        "{advised}"
    );
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", advised])
        .env_clear()
        .env("LISTEN_ADDR", &clerk.host)
        .env("DATABASE_URL", database.url());
    let output = tokio::task::spawn_blocking(move || shell.output()).await;
    let output = output.expect("it is waited for").expect("there is a shell");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "imported: 1 inserted, 0 updated, 0 unchanged, 0 skipped, 0 conflicted, 0 deleted\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(rows.number("SELECT COUNT(*) FROM users").await, 501);
}

async fn stopped_import_prints_its_cursor(database: TestDatabase) {
    let clerk = TwoPages::start(SecondPage::NeverComes).await;
    let mut import = command(&[("LISTEN_ADDR", &clerk.host), ("DATABASE_URL", database.url())]);
    let mut import = Running(
        import
            .args(["import", "--delete-missing"])
            .stdout(Stdio::null())
            .spawn()
            .expect("the example runs"),
    );
    let ended = tokio::task::spawn_blocking(move || {
        let mut errors = BufReader::new(import.0.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("500 of 501 users") {
            line.clear();
            assert_ne!(
                errors.read_line(&mut line).expect("it prints text"),
                0,
                "it has ended"
            );
        }
        let signalled = Command::new("kill")
            .args(["-INT", &import.0.id().to_string()])
            .status();
        assert!(signalled.expect("kill runs").success());
        let mut rest = String::new();
        errors.read_to_string(&mut rest).expect("it prints text");
        (import.0.wait().expect("it ends").code(), rest)
    });
    let (code, errors) = ended.await.expect("it is waited for");
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("the import was interrupted"), "{errors}");
    assert!(
        errors
            .trim_end()
            .ends_with("import --delete-missing --after 'users after user_0499'"),
        "{errors}"
    );
}

#[tokio::test]
async fn import_without_a_running_example_names_the_command_and_creates_no_database() {
    let database = TestDatabase::sqlite();
    // The port is taken, and no program answers on it.
    let silent = TcpSocket::new_v4().expect("there are sockets");
    silent
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port is free");
    let host = silent.local_addr().expect("it has an address").to_string();
    for arguments in [&["import"][..], &["verify"]] {
        let printed = run(&host, database.url(), arguments).await;
        let address = format!("http://{host}/dev");
        printed.failed(1, &[&address, "`cargo run -p example-app`", "LISTEN_ADDR"]);
    }
    let file = database.url().strip_prefix("sqlite:").expect("a file");
    assert!(!Path::new(file).exists());
}

#[tokio::test]
async fn import_from_another_service_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let host = listener.local_addr().expect("it has an address").to_string();
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, Router::<()>::new()).await;
    });
    let printed = run(&host, TestDatabase::sqlite().url(), &["import"]).await;
    printed.failed(
        1,
        &[
            "no stand-in for Clerk answers",
            "404",
            "`cargo run -p example-app`",
        ],
    );
    server.abort();
}

#[tokio::test]
async fn key_that_verifies_tokens_does_not_list_users() {
    let mut import = command(&[
        (
            "CLERK_PUBLISHABLE_KEY",
            "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk",
        ),
        ("CLERK_JWT_KEY", "x"),
    ]);
    let output = import.arg("import").output().expect("the example runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("CLERK_SECRET_KEY is missing"), "{errors}");
}

#[tokio::test]
async fn command_line_mistake_prints_the_usage() {
    for (arguments, problem, usage) in [
        (&["imprt"][..], "'imprt'", "Usage: example-app"),
        (&["import", "--dry"], "'--dry-run'", "Usage: example-app import"),
        (
            &["import", "--after", "user_ada"],
            "invalid import cursor",
            "'--after <CURSOR>'",
        ),
        (&["verify", "--text"], "'--text'", "Usage: example-app verify"),
    ] {
        let printed = run("127.0.0.1:0", "sqlite:not-opened", arguments).await;
        printed.failed(2, &[problem, usage, "--help"]);
    }
    let help = run("127.0.0.1:0", "sqlite:not-opened", &["--help"]).await;
    assert_eq!((help.code, help.errors.as_str()), (Some(0), ""));
    for part in ["Usage: example-app", "import", "verify", "DATABASE_URL"] {
        assert!(help.output.contains(part), "{}", help.output);
    }
}
