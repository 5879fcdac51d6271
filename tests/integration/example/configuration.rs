//! Environment variables of a real process: those with an effect, and those that are reported because they have none.

use std::process::Output;

use clerk_auth::testing::{FakeClerk, Issuer, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth_tests::database::TestDatabase;
use tokio::task::spawn_blocking;

use crate::example::process::command;

const KEY: (&str, &str) = (
    "CLERK_PUBLISHABLE_KEY",
    "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk",
);
const SECRET_KEY: (&str, &str) = ("CLERK_SECRET_KEY", "sk_test_secret");

/// Runs the example to its end.
async fn run(variables: &[(&str, &str)], arguments: &[&str]) -> (Output, String) {
    let mut command = command(variables);
    command.args(arguments);
    let output = spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("the example runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, errors)
}

/// Starts the example, which reads the environment and ends at its database.
async fn start(variables: &[(&str, &str)]) -> (Output, String) {
    run(
        &[variables, &[("DATABASE_URL", "mysql://localhost/x")]].concat(),
        &[],
    )
    .await
}

#[tokio::test]
async fn addresses_of_the_environment_are_used() {
    let fake = FakeClerk::start().await.expect("a port is free");
    fake.put_user(user_object("user_ada", Timestamp::from_secs(1_000)));
    let url = fake.issuer().url();
    let database = TestDatabase::sqlite();
    for api_url in [url.to_owned(), format!("{url}/"), format!("{url}/v1")] {
        let variables = [
            KEY,
            SECRET_KEY,
            ("CLERK_PROXY_URL", url),
            ("CLERK_API_URL", &api_url),
            ("DATABASE_URL", database.url()),
        ];
        let (output, errors) = run(&variables, &["import"]).await;
        assert!(output.status.success(), "{api_url}: {errors}");
        assert!(!errors.contains("CLERK_API_URL"), "{errors}");
    }
    assert_eq!(fake.requests("/.well-known/jwks.json"), 3);
    assert!(fake.requests("/v1/users") >= 3);
}

#[tokio::test]
async fn variables_without_an_effect_are_named() {
    let pem = Issuer::new("https://foo-bar-13.clerk.accounts.dev").public_key_pem();
    let known = [KEY, SECRET_KEY, ("CLERK_JWT_KEY", &*pem)];
    for (variable, value, part) in [
        (
            "CLERK_DOMAIN",
            "example.com",
            Some("satellite domains are not supported"),
        ),
        (
            "CLERK_IS_SATELLITE",
            "true",
            Some("satellite domains are not supported"),
        ),
        (
            "CLERK_API_VERSION",
            "2025-04-10",
            Some("the version of the Backend API"),
        ),
        ("CLERK_SIGN_IN_URL", "/sign-in", Some("for front ends")),
        ("CLERK_JTW_KEY", "x", Some("did you mean CLERK_JWT_KEY?")),
        (
            "CLERK_PROXY_ULR",
            "https://x.example",
            Some("did you mean CLERK_PROXY_URL?"),
        ),
        (
            "CLERK_AUTHORISED_PARTIES",
            "https://x.example",
            Some("name the variable `CLERK_AUTHORIZED_PARTIES`"),
        ),
        (
            "CLERK_WEBHOOK_SECRET",
            "whsec_x",
            Some("CLERK_WEBHOOK_SIGNING_SECRET"),
        ),
        ("CLERK_API_KEY", "sk_test_secret", None),
        ("CLERK_FRONTEND_API", "foo-bar-13.clerk.accounts.dev", None),
        ("CLERK_SECRTE_KEY", "x", Some("did you mean CLERK_SECRET_KEY?")),
        ("CLERK_SECRET_KEY_2", "x", None),
        ("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", "x", None),
        ("NEXT_PUBLIC_CLERK_PROXY_URL", "https://x.example", None),
        ("VITE_CLERK_SIGN_IN_URL", "/sign-in", None),
        ("CLERK_TEAM_CHANNEL", "#auth", None),
    ] {
        let (output, errors) = start(&[&known[..], &[(variable, value)]].concat()).await;
        assert!(!output.status.success(), "{variable}");
        assert_eq!(errors.contains(variable), part.is_some(), "{variable}: {errors}");
        assert!(
            part.is_none_or(|part| errors.contains(part)),
            "{variable}: {errors}"
        );
    }
}

#[tokio::test]
async fn value_that_never_matches_ends_the_process_with_the_form_to_write() {
    for (variable, value, form) in [
        (
            "CLERK_AUTHORIZED_PARTIES",
            r#"["http://localhost:3000"]"#,
            "write `CLERK_AUTHORIZED_PARTIES=http://localhost:3000`",
        ),
        (
            "CLERK_AUTHORIZED_PARTIES",
            "https://a.example\nhttps://b.example/",
            "write `CLERK_AUTHORIZED_PARTIES=https://a.example,https://b.example`",
        ),
        (
            "CLERK_PROXY_URL",
            "'https://App.example.com/__clerk'",
            "write `https://app.example.com/__clerk`",
        ),
    ] {
        let (output, errors) = start(&[KEY, SECRET_KEY, (variable, value)]).await;
        assert_eq!(output.status.code(), Some(1), "{value}");
        assert!(errors.contains(form), "{value}: {errors}");
    }
}
