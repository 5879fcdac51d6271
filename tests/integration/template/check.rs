//! Tests of the comparison of a pulled configuration with the structs, and of the example's command for it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use clerk_auth::claim::SessionTokenBudget;
use clerk_auth::template::{ExpectedTemplate, TemplateCheck, check_template};
use clerk_auth::{SyncedRow, SyncedUser};
use clerk_auth_tests::profiles::Profile;
use example_app::user::User;
use serde_json::{Value, json};

#[derive(SyncedUser)]
#[synced_user(
    table = "accounts",
    template_json = r#"{
        "plan": "{{user.public_metadata.plan || 'free'}}",
        "names": { "first": "{{user.first_name}}", "tags": ["{{user.id}}", 1] },
        "email": "{{user.primary_email_address}}",
        "updatedAt": "{{user.updated_at}}"
    }"#,
    database(sqlite)
)]
#[expect(dead_code, reason = "its template is what counts")]
struct Account {
    clerk_id: String,
    plan: Value,
    names: Value,
    email: Option<String>,
}

#[derive(SyncedUser)]
#[synced_user(
    table = "everything",
    template_json = r#"{ "all": "{{user.public_metadata}}", "updatedAt": "{{user.updated_at}}" }"#,
    allow(unbounded_claims),
    database(sqlite)
)]
#[expect(dead_code, reason = "its template is what counts")]
struct Unbounded {
    clerk_id: String,
    all: Value,
}

#[derive(SyncedUser)]
#[synced_user(
    table = "changed",
    template_json = r#"{ "email": "{{user.username}}", "updatedAt": "{{user.updated_at}}" }"#,
    database(sqlite)
)]
#[expect(dead_code, reason = "its template is what counts")]
struct Changed {
    clerk_id: String,
    email: Option<String>,
}

fn pulled(claims: &Value) -> String {
    json!({ "session": { "lifetime": 604_800, "claims": claims } }).to_string()
}

fn template<U: SyncedUser>() -> Value {
    serde_json::from_str(U::SESSION_TOKEN_TEMPLATE).expect("the derive has read it")
}

fn names(claims: &[clerk_auth::template::CheckedClaim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.name.as_str()).collect()
}

fn check(claims: &Value) -> TemplateCheck {
    check_template(&pulled(claims), &[ExpectedTemplate::new::<Account>()]).expect("it is a configuration")
}

#[test]
fn template_of_the_struct_is_right_and_has_its_budget() {
    fn is_right<U: SyncedUser>(expected: &[ExpectedTemplate]) {
        let check = check_template(&pulled(&template::<U>()), expected);
        let check = check.expect("it is a configuration");
        assert!(check.ok, "{check}");
        assert_eq!(check.bytes, U::SESSION_TOKEN_BUDGET.total(), "{}", U::NAME);
        assert_eq!((check.unused.len(), check.command), (0, None));
    }
    is_right::<User>(&example_app::templates());
    is_right::<Account>(&[ExpectedTemplate::new::<Account>()]);
    is_right::<Unbounded>(&[ExpectedTemplate::new::<Unbounded>()]);
}

#[test]
fn each_difference_is_listed_by_its_kind() {
    let cases: [(Value, &[&str], &[&str]); 11] = [
        (json!({ "email": null }), &["email"], &[]),
        (json!({ "email": "{{user.email}}" }), &["email"], &[]),
        (json!({ "email": "{{  user.primary_email_address }}" }), &[], &[]),
        (
            json!({ "plan": "{{user.public_metadata.plan||'free'}}" }),
            &[],
            &[],
        ),
        (
            json!({ "plan": "{{user.public_metadata.plan || 'Free'}}" }),
            &["plan"],
            &[],
        ),
        (
            json!({ "plan": "{{user.public_metadata.plan || ' free'}}" }),
            &["plan"],
            &[],
        ),
        (
            json!({ "plan": " {{user.public_metadata.plan || 'free'}}" }),
            &["plan"],
            &[],
        ),
        (
            json!({ "names": { "tags": ["{{user.id}}", 1], "first": "{{user.first_name}}" } }),
            &[],
            &[],
        ),
        (
            json!({ "names": { "tags": [1, "{{user.id}}"], "first": "{{user.first_name}}" } }),
            &["names"],
            &[],
        ),
        (
            json!({ "Email": "{{user.primary_email_address}}" }),
            &[],
            &["Email"],
        ),
        (json!({ "role": "authenticated" }), &[], &["role"]),
    ];
    for (change, different, unused) in cases {
        let mut claims = template::<Account>();
        let members = claims.as_object_mut().expect("an object");
        members.extend(change.as_object().expect("an object").clone());
        let check = check(&claims);
        assert!(check.missing.is_empty(), "{change}");
        assert_eq!(names(&check.different), different, "{change}");
        assert_eq!(names(&check.unused), unused, "{change}");
        assert_eq!(check.ok, different.is_empty(), "{change}");
    }
    for claims in [json!({}), Value::Null, json!(""), json!("{}")] {
        assert_eq!(
            names(&check(&claims).missing),
            ["email", "names", "plan", "updatedAt"],
            "{claims}"
        );
    }
}

#[test]
fn claims_that_no_struct_has_count_toward_the_budget() {
    let mut claims = template::<Account>();
    claims["photo"] = json!("{{user.image_url}} {{user.image_url}} {{user.image_url}}");
    let large = check(&claims);
    assert!(
        large.over_budget && !large.ok && large.command.is_none(),
        "{large}"
    );
    assert!(large.bytes > Some(SessionTokenBudget::LIMIT), "{large}");
    claims["photo"] = json!("{{user.unsafe_metadata}}");
    let unbounded = check(&claims);
    assert!(unbounded.over_budget && unbounded.bytes.is_none(), "{unbounded}");
    // A struct has `allow(unbounded_claims)`.
    let allowed = [ExpectedTemplate::new::<Unbounded>()];
    let mut claims = template::<Unbounded>();
    claims["more"] = json!("{{user.unsafe_metadata}}");
    assert!(
        check_template(&pulled(&claims), &allowed)
            .expect("a configuration")
            .ok
    );
}

#[test]
fn claims_of_several_structs_are_expected_together() {
    let structs = [
        ExpectedTemplate::new::<Account>(),
        ExpectedTemplate::new::<Profile>(),
    ];
    let check = check_template(&pulled(&template::<Account>()), &structs).expect("a configuration");
    assert!(
        check
            .missing
            .iter()
            .all(|claim| claim.expected_by == Some("Profile")),
        "{check}"
    );
    assert!(!check.missing.is_empty() && check.different.is_empty() && check.unused.is_empty());
    let mut all = template::<Account>();
    let members = all.as_object_mut().expect("an object");
    members.extend(template::<Profile>().as_object().expect("an object").clone());
    assert!(
        check_template(&pulled(&all), &structs)
            .expect("a configuration")
            .ok
    );
}

/// Several structs share one file, as in the example.
#[test]
fn claim_that_several_structs_expect_is_listed_once() {
    let three = example_app::templates();
    for claims in [
        json!({}),
        json!({ "email": "{{user.username}}", "orgName": null }),
    ] {
        let check = check_template(&pulled(&claims), &three).expect("a configuration");
        let listed: Vec<_> = check.missing.iter().chain(&check.different).collect();
        assert_eq!(listed.len(), User::TEMPLATE.len(), "{check}");
        assert!(
            listed.iter().all(|claim| claim.expected_by == Some("User")),
            "{check}"
        );
    }
    // Two structs that disagree are both listed.
    let two = [
        ExpectedTemplate::new::<Account>(),
        ExpectedTemplate::new::<Changed>(),
    ];
    let check = check_template(&pulled(&json!({})), &two).expect("a configuration");
    let emails = names(&check.missing)
        .iter()
        .filter(|name| **name == "email")
        .count();
    assert_eq!(emails, 2, "{check}");
}

/// A shell runs the printed command, and the claims arrive unchanged.
#[test]
fn printed_command_sets_what_is_expected_and_keeps_the_rest() {
    let there = json!({ "motto": "it's $HOME `id` \\ \"x\"", "plan": "{{user.username}}" });
    let command = check(&there).command.expect("claims are missing");
    let script = format!("clerk() {{ printf '%s' \"$4\"; }}\n{command}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("a shell");
    let patch: Value = serde_json::from_slice(&output.stdout).expect("JSON arrives");
    let mut expected = template::<Account>();
    expected["motto"] = there["motto"].clone();
    assert_eq!(patch, json!({ "session": { "claims": expected } }));
}

fn example(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(crate::example::process::program())
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn command_of_the_example_succeeds_only_if_nothing_is_wrong() {
    let right = pulled(&template::<User>());
    let output = example(&["check-template"], &right);
    assert!(output.status.success(), "{output:?}");
    let output = example(&["check-template", "--json"], &pulled(&json!({})));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["ok"], false);
    assert_eq!(
        report["missing"].as_array().map(Vec::len),
        Some(User::TEMPLATE.len())
    );
    let output = example(&["check-template"], "no JSON");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("clerk config pull --keys session"), "{message}");
}
