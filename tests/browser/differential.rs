//! Tests against Clerk's SDK for back ends and Svix's library. They accept what the stand-in creates, refuse what this
//! library refuses, and create what this library accepts.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use axum::http::HeaderMap;
use clerk_auth::testing::{SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{BrowserProfile, packages};
use crate::world::World;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Returns the judgements of these cases, in their order.
async fn judged(cases: Value) -> Vec<Value> {
    let run = move || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/differential.mjs");
        let script = packages().join(format!("differential-{}.mjs", clerk_auth_tests::random_hex(4)));
        fs::copy(source, &script).expect("the folder can be written");
        let mut process = Command::new("node")
            .arg(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run `node` ({error}): run `apt-get install nodejs npm`"));
        let mut input = process.stdin.take().expect("a pipe");
        input.write_all(cases.to_string().as_bytes()).expect("it reads");
        drop(input);
        let output = process.wait_with_output().expect("it ends");
        fs::remove_file(&script).expect("it was written");
        assert!(output.status.success(), "the judges fail: their errors are above");
        serde_json::from_slice::<Vec<Value>>(&output.stdout).expect("JSON")
    };
    tokio::task::spawn_blocking(run).await.expect("it does not panic")
}

#[tokio::test]
async fn clerks_sdk_reads_tokens_of_the_stand_in_as_this_library_does() {
    let world = World::start("differential_tokens").await;
    let parties = json!([world.origin]);
    let api = format!("{}/dev", world.origin);
    let organization =
        json!({ "id": "org_acme", "slug": "acme", "role": "org:admin", "permissions": ["org:notes:write"] });
    let mut cases = Vec::new();
    for request in [
        json!({ "user_id": "user_ada" }),
        json!({ "user_id": "user_ada", "org": organization }),
        json!({ "user_id": "user_ada", "expires_in": -60 }),
        json!({ "user_id": "user_ada", "omit_claims": ["azp"] }),
        json!({ "user_id": "user_ada", "omit_claims": ["exp"] }),
        json!({ "user_id": "user_ada", "omit_claims": ["sub"] }),
        json!({ "user_id": "user_ada", "omit_claims": ["nbf"] }),
    ] {
        let token = world.control(Method::POST, "/token", request.clone()).await["token"].clone();
        cases.push((request, token, parties.clone()));
    }
    let (_, first, _) = cases[0].clone();
    let edge = world
        .control(Method::POST, "/token", json!({ "edge_of": first }))
        .await;
    cases.push((json!("of the edge"), edge["token"].clone(), parties.clone()));
    let forged = first.as_str().expect("a token").replace('.', ".x");
    cases.push((json!("forged"), json!(forged), parties));
    let judgements = cases.iter().map(
        |(_, token, parties)| json!({ "judge": "token", "token": token, "api": api, "parties": parties }),
    );
    let judgements = judged(judgements.collect()).await;
    let clerk = world
        .stand_in
        .clerk()
        .expect("the stand-in's own configuration is right");
    for ((case, token, _), judgement) in cases.iter().zip(judgements) {
        let value = format!("Bearer {}", token.as_str().expect("a token"));
        let headers = HeaderMap::from_iter([(
            axum::http::header::AUTHORIZATION,
            value.parse().expect("a header value"),
        )]);
        let ours = clerk.authenticate(&headers).await;
        match &ours {
            Ok(session) => {
                assert_eq!(
                    judgement["claims"]["sub"],
                    session.user_id().as_str(),
                    "{case}: {judgement}"
                );
                let organization = session
                    .organization()
                    .map(|organization| organization.id().as_str());
                assert_eq!(judgement["claims"]["o"]["id"].as_str(), organization, "{case}");
            }
            Err(error) => assert!(judgement["refused"].is_string(), "{case}: {error}, {judgement}"),
        }
    }
}

/// Clerk's SDK for back ends reads the cookies of clerk-js behind a proxy URL.
#[tokio::test]
async fn clerks_sdk_reads_the_browsers_cookies_as_this_library_does() {
    let world = World::start("differential_cookies").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    page.run("await signIn('ada@example.com'); await Clerk.setActive({ organization: 'org_acme' })")
        .await;
    let signed_in = page.run("return document.cookie").await;
    let session = page.run("return Clerk.session.id").await;
    page.run("await Clerk.signOut(() => {})").await;
    let signed_out = page.run("return document.cookie").await;
    let late = format!("{}; __client_uat=0", signed_in.as_str().expect("cookies"));
    profile.close().await;
    let case = |cookie: &Value| {
        json!({
            "judge": "request",
            "url": format!("{}/api/me", world.origin),
            "headers": { "cookie": cookie, "sec-fetch-dest": "empty" },
            "api": format!("{}/dev", world.origin),
            "publishableKey": world.stand_in.publishable_key(),
            // The host of the issuer.
            "proxyUrl": format!("{}/dev", world.origin),
            "parties": [world.origin],
        })
    };
    let judgements = judged(json!([case(&signed_in), case(&signed_out), case(&json!(late))])).await;
    let judgement = &judgements[0];
    assert_eq!(judgement["status"], "signed-in", "{judgement}");
    assert_eq!(
        (&judgement["userId"], &judgement["sessionId"]),
        (&json!("user_ada"), &session)
    );
    assert_eq!(
        (&judgement["orgId"], &judgement["orgRole"]),
        (&json!("org_acme"), &json!("org:admin"))
    );
    assert_eq!(judgements[1]["status"], "signed-out", "{}", judgements[1]);
    // Both use the first cookie of a name.
    assert_eq!(judgements[2]["status"], "signed-in", "{}", judgements[2]);
}

/// Tests `currentUser()` of Clerk's SDKs, in a front end that is developed with the stand-in.
#[tokio::test]
async fn clerks_sdk_reads_users_of_the_stand_in() {
    let world = World::start("differential_users").await;
    let case = json!({ "judge": "users", "api": format!("{}/dev", world.origin), "id": "user_ada" });
    let judgements = judged(json!([case])).await;
    let judgement = &judgements[0];
    assert_eq!(
        (&judgement["email"], &judgement["firstName"]),
        (&json!("ada@example.com"), &json!("Ada")),
        "{judgement}"
    );
    let mut ids: Vec<_> = judgement["ids"].as_array().expect("a list").iter().collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, [&json!("user_ada"), &json!("user_bob")], "{judgement}");
}

fn headers(delivery: &SignedDelivery) -> Value {
    let headers = delivery.headers().iter();
    let pairs = headers.map(|(name, value)| (name.to_string(), json!(value.to_str().expect("a text"))));
    Value::Object(pairs.collect())
}

#[tokio::test]
async fn svix_and_clerks_sdk_accept_deliveries_and_refuse_altered_ones() {
    let now = SystemClock.now();
    let body = event("user.created", user_object("user_ada", now), now);
    let minutes = |minutes: i64| Timestamp::from_secs(now.as_secs() + 60 * minutes);
    let mut cases = Vec::new();
    for (delivery, secret, is_accepted) in [
        (SignedDelivery::new(SECRET, &body, now), SECRET, true),
        (
            SignedDelivery::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &body, now)
                .also_signed_with(SECRET),
            SECRET,
            true,
        ),
        (
            SignedDelivery::new(SECRET, &body, now).again(minutes(1)),
            SECRET,
            true,
        ),
        (SignedDelivery::new(SECRET, &body, minutes(-6)), SECRET, false),
        (SignedDelivery::new(SECRET, &body, minutes(6)), SECRET, false),
        (
            SignedDelivery::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &body, now),
            SECRET,
            false,
        ),
    ] {
        let text = String::from_utf8(delivery.body().to_vec()).expect("a text");
        let verifier = WebhookVerifier::new(secret.parse().expect("a secret"));
        let ours = verifier.verify(delivery.headers(), delivery.body(), now);
        assert_eq!(ours.is_ok(), is_accepted, "{delivery:?}");
        for judge in ["svixVerifies", "clerkVerifies"] {
            let case =
                json!({ "judge": judge, "secret": secret, "headers": headers(&delivery), "body": text });
            cases.push((case, is_accepted));
        }
        let case = json!({
            "judge": "svixVerifies", "secret": secret, "headers": headers(&delivery), "body": text + " ",
        });
        cases.push((case, false));
    }
    let judgements = judged(cases.iter().map(|(case, _)| case.clone()).collect()).await;
    for ((case, is_accepted), judgement) in cases.iter().zip(judgements) {
        assert_eq!(
            judgement["refused"].is_null(),
            *is_accepted,
            "{case}: {judgement}"
        );
    }
}

/// Runs `clerk webhooks verify` of Clerk's command line, which needs no account. Returns whether the signature is valid.
fn cli_accepts(delivery: &SignedDelivery, secret: &str, body: &[u8]) -> bool {
    let header = |name: &str| delivery.headers()[name].to_str().expect("a text").to_owned();
    // The program itself, because the package `clerk` only chooses among those of all platforms.
    let program = packages().join("node_modules/@clerk/cli-linux-x64/bin/clerk");
    let mut process = Command::new(program)
        .args([
            "webhooks",
            "verify",
            "--json",
            "--payload",
            "-",
            "--secret",
            secret,
        ])
        .args(["--id", &header("svix-id")])
        .args(["--timestamp", &header("svix-timestamp")])
        .args(["--signature", &header("svix-signature")])
        // The program neither reads the settings of the person who runs the tests, nor sends reports.
        .env("HOME", crate::browser::output_folder())
        .env("CLERK_TELEMETRY_DISABLED", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("Clerk's command line does not run ({error}): it is installed on Linux x64 only")
        });
    let mut input = process.stdin.take().expect("a pipe");
    input.write_all(body).expect("it reads");
    drop(input);
    let output = process.wait_with_output().expect("it ends");
    let answer = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let expected = match output.status.success() {
        true => r#""valid":true"#,
        false => "invalid_webhook_signature",
    };
    assert!(answer.contains(expected), "{answer}");
    output.status.success()
}

/// The command line checks only the signature, and accepts an old delivery that this library and Svix refuse.
#[tokio::test]
async fn clerks_command_line_accepts_deliveries_and_refuses_altered_ones() {
    const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let now = SystemClock.now();
    let early = Timestamp::from_secs(now.as_secs() - 3_600);
    let body = event(
        "organizationMembership.deleted",
        user_object("user_ada", now),
        now,
    );
    for (delivery, is_signed) in [
        (SignedDelivery::new(SECRET, &body, now), true),
        (SignedDelivery::new(SECRET, &body, now).again(early), true),
        (
            SignedDelivery::new(OTHER, &body, now).also_signed_with(SECRET),
            true,
        ),
        (SignedDelivery::new(OTHER, &body, now), false),
    ] {
        let altered = [delivery.body(), b" "].concat();
        assert_eq!(
            cli_accepts(&delivery, SECRET, delivery.body()),
            is_signed,
            "{delivery:?}"
        );
        assert!(!cli_accepts(&delivery, SECRET, &altered), "{delivery:?}");
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
        let sent = delivery.headers()["svix-timestamp"]
            .to_str()
            .expect("a text")
            .parse();
        let then = Timestamp::from_secs(sent.expect("seconds"));
        let ours = verifier.verify(delivery.headers(), delivery.body(), then);
        assert_eq!(ours.is_ok(), is_signed, "{delivery:?}");
    }
}

#[tokio::test]
async fn delivery_that_svix_signs_is_accepted() {
    let now = SystemClock.now();
    let bodies = [
        event("user.created", user_object("user_ada", now), now).to_string(),
        r#"{"type": "user.updated", "data": {"first_name": "Éva \u0000 😀"}}"#.to_owned(),
        String::new(),
    ];
    let cases = bodies.iter().map(|body| {
        json!({ "judge": "svixSigns", "secret": SECRET, "id": "msg_1", "seconds": now.as_secs(), "body": body })
    });
    let judgements = judged(cases.collect()).await;
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
    for (body, judgement) in bodies.iter().zip(judgements) {
        let signature = judgement["signature"].as_str().expect("a signature");
        let mut headers = HeaderMap::new();
        headers.insert("svix-id", "msg_1".parse().expect("a header value"));
        headers.insert(
            "svix-timestamp",
            now.as_secs().to_string().parse().expect("a header value"),
        );
        headers.insert("svix-signature", signature.parse().expect("a header value"));
        assert!(verifier.verify(&headers, body.as_bytes(), now).is_ok(), "{body}");
        assert!(
            verifier
                .verify(&headers, format!("{body} ").as_bytes(), now)
                .is_err(),
            "{body}"
        );
    }
}
