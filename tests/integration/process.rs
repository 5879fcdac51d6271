//! The example as a process: its environment, its messages, and how it stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use clerk_auth_tests::database::TestDatabase;
use serde_json::{Value, json};

const PUBLISHABLE_KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";

fn program() -> PathBuf {
    // …/target/debug/deps/integration-…
    let tests = std::env::current_exe().expect("the test has a path");
    let folder = tests
        .parent()
        .and_then(|deps| deps.parent())
        .expect("a target folder");
    let program = folder.join("example-app");
    assert!(
        program.exists(),
        "the example is not built: run `cargo build -p example-app`, or `tests/run`"
    );
    program
}

pub(crate) fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Ends the process with the test, whatever happens.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn an_environment_that_is_not_enough_ends_it_at_once() {
    for (variables, missing) in [
        (
            &[("CLERK_SECRET_KEY", "sk_test_x")][..],
            "CLERK_PUBLISHABLE_KEY is missing",
        ),
        (
            &[("CLERK_AUTHORIZED_PARTIES", "https://a.example")],
            "CLERK_PUBLISHABLE_KEY is missing",
        ),
        (
            &[("CLERK_PUBLISHABLE_KEY", PUBLISHABLE_KEY)],
            "CLERK_SECRET_KEY and CLERK_JWT_KEY are missing",
        ),
        (
            &[
                ("CLERK_PUBLISHABLE_KEY", "pk_live_x"),
                ("CLERK_SECRET_KEY", "sk_live_x"),
            ],
            "publishable key",
        ),
        (&[("LISTEN_ADDR", "everywhere")], "LISTEN_ADDR"),
        (&[("LISTEN_ADDR", "0.0.0.0:0")], "CLERK_PUBLISHABLE_KEY"),
        (&[("DATABASE_URL", "mysql://localhost/x")], "DATABASE_URL"),
        (&[("DATABASE_URL", "postgres://ada@127.0.0.1:1/x")], "refused"),
    ] {
        let output = command(variables).output().expect("the example runs");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{variables:?}");
        assert!(message.contains(missing), "{variables:?}: {message}");
    }
}

#[tokio::test]
async fn it_serves_a_newcomer_and_stops_when_told() {
    let database = TestDatabase::sqlite();
    let mut running = Running(
        command(&[("DATABASE_URL", database.url())])
            .spawn()
            .expect("the example runs"),
    );
    let mut output = BufReader::new(running.0.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("it says where it listens");
    let address = line
        .trim()
        .strip_prefix("listening on ")
        .expect("it says where it listens")
        .to_owned();

    let client = reqwest::Client::new();
    let token = client
        .post(format!("{address}/dev/token"))
        .json(&json!({ "user_id": "user_ada" }))
        .send();
    let token: Value = token.await.expect("it answers").json().await.expect("it is JSON");
    let token = token["token"].as_str().expect("there is a token");
    let me = client
        .get(format!("{address}/api/me"))
        .bearer_auth(token)
        .send()
        .await
        .expect("it answers");
    assert_eq!(me.headers()["x-user-sync"], "inserted");
    let keys: Value = client
        .get(format!("{address}/dev/.well-known/jwks.json"))
        .send()
        .await
        .expect("it answers")
        .json()
        .await
        .expect("it is JSON");
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    assert_eq!(
        client
            .get(format!("{address}/healthz"))
            .send()
            .await
            .expect("it answers")
            .status(),
        200
    );
    drop(client);

    // Somebody who never finishes a request does not hold it up.
    let host = address.strip_prefix("http://").expect("an address");
    let mut half = std::net::TcpStream::connect(host).expect("it listens");
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: ")
        .expect("it listens");
    let told = Command::new("kill")
        .args(["-TERM", &running.0.id().to_string()])
        .status();
    assert!(told.expect("kill runs").success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("it ends");
    assert!(rest.ends_with("stopped\n"), "{rest}");
    assert!(running.0.wait().expect("it ends").success());
}
