//! The example as a process: its environment, its messages, and its shutdown.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use clerk_auth_tests::database::TestDatabase;
use example_app::database;
use serde_json::{Value, json};

const PUBLISHABLE_KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";

pub(crate) fn program() -> PathBuf {
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

/// Ends the process with the test, on any outcome.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn incomplete_environment_ends_the_process_at_once() {
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
        (
            &[("DATABASE_URL", "postgres://ada:secret@127.0.0.1:1/x")],
            "PostgreSQL database `x` at 127.0.0.1:1: ",
        ),
        (
            &[("DATABASE_URL", "sqlite:/dev/null/app.sqlite")],
            "database file /dev/null/app.sqlite: ",
        ),
        (
            &[("DATABASE_URL", "sqlite:/nowhere/app.sqlite")],
            "database file /nowhere/app.sqlite: ",
        ),
    ] {
        let output = command(variables).output().expect("the example runs");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{variables:?}");
        assert!(message.contains(missing), "{variables:?}: {message}");
        assert!(!message.contains("secret@"), "{message}");
    }
}

/// Starts the example in a folder. Returns its output until it was ready, and its address.
fn start_in(
    folder: &std::path::Path,
    variables: &[(&str, &str)],
) -> (Running, BufReader<ChildStdout>, String, String) {
    let mut running = Running(
        command(variables)
            .current_dir(folder)
            .stderr(Stdio::null())
            .spawn()
            .expect("the example runs"),
    );
    let mut output = BufReader::new(running.0.stdout.take().expect("a pipe"));
    let mut printed = String::new();
    while !printed.ends_with("import\n") {
        assert_ne!(output.read_line(&mut printed).expect("it prints"), 0, "{printed}");
    }
    let address = printed
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("listening on "));
    let address = address.expect("it prints its address first").to_owned();
    (running, output, printed, address)
}

#[tokio::test]
async fn restarted_stand_in_lets_earlier_users_sign_in() {
    let folder = std::env::temp_dir().join(format!("clerk-auth-restart-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("the folder of temporary files can be written");
    let client = reqwest::Client::new();
    let me = async |address: &str| {
        let token = client
            .post(format!("{address}/dev/token"))
            .json(&json!({ "user_id": "user_bob" }));
        let token = token.send().await.expect("it answers");
        if token.status() != 200 {
            return token.status().as_u16();
        }
        let token: Value = token.json().await.expect("it is JSON");
        let token = token["token"].as_str().expect("there is a token");
        let me = client.get(format!("{address}/api/me")).bearer_auth(token);
        me.send().await.expect("it answers").status().as_u16()
    };
    let file = folder.join("example-app.sqlite");
    let url = format!("sqlite:{}", file.display());
    let own = format!("database file {}\n", file.display());

    let (running, output, printed, address) = start_in(&folder, &[]);
    assert!(printed.contains(&own), "{printed}");
    assert!(!printed.contains("user_bob:"), "{printed}");
    assert_eq!(me(&address).await, 200);
    let deleted = client.delete(format!("{address}/dev/users/user_bob")).send();
    let deleted: Value = deleted
        .await
        .expect("it answers")
        .json()
        .await
        .expect("it is JSON");
    let note = deleted["note"].as_str().expect("there is a note");
    assert!(
        note.contains("user_deleted") && note.contains("restart"),
        "{note}"
    );
    assert_eq!(me(&address).await, 410);
    crate::example::rows::until("the webhook marks the row", async || {
        let database = database::open(&url).await.expect("the database opens");
        let deleted = database.deleted_users().await;
        deleted.is_ok_and(|deleted| deleted == ["user_bob"])
    })
    .await;
    drop((running, output));

    // With an explicit URL, rows may belong to Clerk's users.
    let (running, output, printed, address) = start_in(&folder, &[("DATABASE_URL", &url)]);
    assert!(
        printed.contains("refused with 401 user_deleted: user_bob\n"),
        "{printed}"
    );
    assert_eq!(me(&address).await, 401);
    drop((running, output));

    let (running, output, printed, address) = start_in(&folder, &[]);
    assert!(printed.contains("the deletion of user_bob\n"), "{printed}");
    assert_eq!(me(&address).await, 200);
    drop((running, output));

    let (running, output, printed, _) = start_in(&folder, &[]);
    assert!(!printed.contains("the deletion of"), "{printed}");
    drop((running, output));
    drop(std::fs::remove_dir_all(&folder));
}

#[tokio::test]
async fn process_serves_a_new_user_and_stops_on_a_signal() {
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

    // A client that never finishes a request does not delay the exit.
    let host = address.strip_prefix("http://").expect("an address");
    let mut half = std::net::TcpStream::connect(host).expect("it listens");
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: ")
        .expect("it listens");
    let signalled = Command::new("kill")
        .args(["-TERM", &running.0.id().to_string()])
        .status();
    assert!(signalled.expect("kill runs").success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("it ends");
    assert!(rest.ends_with("stopped\n"), "{rest}");
    assert!(running.0.wait().expect("it ends").success());
}
