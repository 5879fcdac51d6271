//! Tests of the first sign-in: one row is inserted once, for each way to send the token.

use serde_json::{Value, json};

use crate::browser::BrowserProfile;
use crate::world::World;

#[tokio::test]
async fn cookie_of_the_first_sign_in_inserts_one_row() {
    let world = World::start("sign_in_by_cookie").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    assert_eq!(
        page.run("return (await call('/api/me')).code").await,
        "signed_out"
    );
    page.run("await signIn('ada@example.com')").await;
    let first = page.run("return call('/api/me')").await;
    assert_eq!(
        (&first["status"], &first["sync"]),
        (&json!(200), &json!("inserted"))
    );
    assert_eq!(first["body"]["clerk_id"], "user_ada");
    assert_eq!(first["body"]["last_name"], "Lovelace");
    let names = page.run("return Object.keys(cookies())").await.to_string();
    for name in [
        "\"__session\"",
        "\"__session_",
        "\"__client_uat\"",
        "\"__client_uat_",
    ] {
        assert!(names.contains(name), "{name}: {names}");
    }
    let second = page.run("return callWithToken('/api/me')").await;
    assert_eq!(
        (&second["status"], &second["sync"]),
        (&json!(200), &json!("unchanged"))
    );
    assert_eq!(world.row_count("clerk_id = 'user_ada'").await, 1);
    profile.close().await;
}

#[tokio::test]
async fn bearer_token_of_the_first_sign_in_inserts_one_row() {
    let world = World::start("sign_in_by_bearer").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    page.run("await signIn('bob@example.com')").await;
    let script = "return fetch('/api/me', {
        credentials: 'omit', headers: { authorization: 'Bearer ' + await Clerk.session.getToken() },
    }).then((response) => [response.status, response.headers.get('x-user-sync')])";
    assert_eq!(page.run(script).await, json!([200, "inserted"]));
    assert_eq!(page.run(script).await, json!([200, "unchanged"]));
    assert_eq!(world.row_count("clerk_id = 'user_bob'").await, 1);
    profile.close().await;
}

#[tokio::test]
async fn two_tabs_at_once_insert_one_row() {
    let world = World::start("two_tabs_at_once").await;
    let profile = BrowserProfile::new();
    let first = world.open(&profile).await;
    first.run("await signIn('ada@example.com')").await;
    let second = world.open(&profile).await;
    let name = second.run("return Clerk.user.firstName").await;
    assert_eq!(name, "Ada", "the other tab is signed in by its cookies");
    let script = "return Promise.all([
        call('/api/me'), callWithToken('/api/me'), call('/api/me'), callWithToken('/api/me'),
    ]).then((answers) => answers.map(({ status, sync }) => [status, sync]))";
    let (left, right) = tokio::join!(first.run(script), second.run(script));
    let answers: Vec<Value> = [left, right]
        .iter()
        .filter_map(Value::as_array)
        .flatten()
        .cloned()
        .collect();
    assert!(answers.iter().all(|answer| answer[0] == 200), "{answers:?}");
    let inserted = answers.iter().filter(|answer| answer[1] == "inserted").count();
    assert_eq!(inserted, 1, "{answers:?}");
    assert_eq!(world.row_count("clerk_id = 'user_ada'").await, 1);
    profile.close().await;
}

/// The webhook about the new user and the first requests of two tabs race.
#[tokio::test]
async fn sign_up_makes_one_row_beside_its_webhook() {
    let world = World::start("sign_up").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    let script = "
        const attempt = await Clerk.client.signUp.create({
            emailAddress: 'grace@example.com', password: 'any', firstName: 'Grace',
        });
        await Clerk.setActive({ session: attempt.createdSessionId });
        return Promise.all([call('/api/me'), callWithToken('/api/me')])
            .then((answers) => answers.map(({ status, body }) => [status, body.first_name, body.email]))";
    let expected = json!([200, "Grace", "grace@example.com"]);
    assert_eq!(page.run(script).await, json!([expected, expected]));
    let delivered = world.transcript.until("/webhooks/clerk", 1).await;
    assert_eq!(delivered, [204]);
    assert_eq!(world.row_count("first_name = 'Grace'").await, 1);
    // The address is taken, with the error that Clerk reports.
    let script =
        "return Clerk.signOut(() => {}).then(() => Clerk.client.signUp.create({ emailAddress: 'grace@example.com' }))
        .then(() => 'accepted', (error) => error.errors[0].code)";
    assert_eq!(page.run(script).await, "form_identifier_exists");
    profile.close().await;
}
