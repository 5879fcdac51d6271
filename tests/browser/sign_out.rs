//! Tests of the end of a session, by the user or by the server.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{BrowserProfile, Page};
use crate::world::World;

/// Opens a page on which Ada is signed in and has a row.
async fn signed_in(world: &World, profile: &BrowserProfile) -> Page {
    let page = world.open(profile).await;
    page.run("await signIn('ada@example.com')").await;
    assert_eq!(page.run("return (await call('/api/me')).status").await, 200);
    page
}

/// Waits until the application refuses the page's token. Returns the code.
async fn refusal(page: &Page, token: &Value) -> Value {
    page.run(&format!(
        "return until('the token is refused', async () => (await call('/api/me', {token})).code)"
    ))
    .await
}

/// Waits until clerk-js has noticed the sign-out.
async fn until_signed_out(page: &Page) {
    page.run(
        "await Clerk.session?.getToken({ skipCache: true }).catch(() => null);
         await until('clerk-js is signed out', async () => Clerk.session === null)",
    )
    .await;
}

#[tokio::test]
async fn sign_out_in_one_tab_signs_the_other_out() {
    let world = World::start("sign_out").await;
    let profile = BrowserProfile::new();
    let first = signed_in(&world, &profile).await;
    let second = world.open(&profile).await;
    let jar = second.run("return cookies()").await;
    first.run("await Clerk.signOut(() => {})").await;
    second
        .run("await until('the other tab is signed out', async () => Clerk.session === null)")
        .await;
    assert_eq!(
        second.run("return (await call('/api/me')).code").await,
        "signed_out"
    );
    let names = second
        .run("return Object.keys(cookies()).filter((name) => name.startsWith('__session'))")
        .await;
    assert_eq!(names, json!([]));

    // A token that another tab writes once more, because it was late, is refused: `__client_uat` is 0.
    let tokens = jar.as_object().expect("cookies").iter();
    for (name, value) in tokens.filter(|(name, _)| name.starts_with("__session")) {
        second
            .run(&format!("document.cookie = '{name}=' + {value} + '; path=/'"))
            .await;
    }
    let answer = second
        .run("return [(await call('/api/me')).code, cookies().__client_uat]")
        .await;
    assert_eq!(answer, json!(["signed_out", "0"]));
    profile.close().await;
}

#[tokio::test]
async fn two_accounts_of_one_browser_are_distinguished() {
    let world = World::start("two_accounts").await;
    let profile = BrowserProfile::new();
    let page = signed_in(&world, &profile).await;
    page.run("await signIn('bob@example.com')").await;
    assert_eq!(page.run("return Clerk.client.signedInSessions.length").await, 2);
    let callers = "return Promise.all([call('/api/me'), callWithToken('/api/me')])
        .then((answers) => answers.map(({ body }) => body.clerk_id))";
    assert_eq!(page.run(callers).await, json!(["user_bob", "user_bob"]));
    page.run(
        "const ada = Clerk.client.sessions.find(({ user }) => user.id === 'user_ada');
         await Clerk.setActive({ session: ada.id })",
    )
    .await;
    assert_eq!(page.run(callers).await, json!(["user_ada", "user_ada"]));
    page.run("await Clerk.signOut(() => {}, { sessionId: Clerk.session.id })")
        .await;
    // clerk-js does not choose the other account by itself: it removes the cookies with tokens, and keeps the session.
    let script = "return [Clerk.session, Clerk.client.signedInSessions.length, (await call('/api/me')).code]";
    assert_eq!(page.run(script).await, json!([null, 1, "signed_out"]));
    page.run("await Clerk.setActive({ session: Clerk.client.sessions[0].id })")
        .await;
    assert_eq!(page.run(callers).await, json!(["user_bob", "user_bob"]));
    profile.close().await;
}

#[tokio::test]
async fn deleted_user_is_refused_at_once() {
    let world = World::start("user_deleted").await;
    let profile = BrowserProfile::new();
    let page = signed_in(&world, &profile).await;
    let token = page.run("return Clerk.session.getToken()").await;
    world.control(Method::DELETE, "/users/user_ada", json!({})).await;
    assert_eq!(refusal(&page, &token).await, "user_deleted");
    until_signed_out(&page).await;
    assert_eq!(
        page.run("return (await call('/api/me')).code").await,
        "signed_out"
    );
    let script = "return signIn('ada@example.com').then(() => 'accepted', (error) => error.errors[0].code)";
    assert_eq!(page.run(script).await, "form_identifier_not_found");
    profile.close().await;
}

#[tokio::test]
async fn banned_user_is_refused_at_once() {
    let world = World::start("user_banned").await;
    let profile = BrowserProfile::new();
    let page = signed_in(&world, &profile).await;
    let token = page.run("return Clerk.session.getToken()").await;
    world
        .control(Method::POST, "/users/user_ada", json!({ "banned": true }))
        .await;
    // Clerk also ends the user's sessions, and the two webhooks race.
    let code = refusal(&page, &token).await;
    assert!(
        ["user_banned", "session_ended"].contains(&code.as_str().expect("a code")),
        "{code}"
    );
    until_signed_out(&page).await;
    let script = "return signIn('ada@example.com').then(() => 'accepted', (error) => error.errors[0].code)";
    assert_eq!(page.run(script).await, "user_banned");
    profile.close().await;
}

#[tokio::test]
async fn session_that_the_server_ends_is_refused_and_another_is_not() {
    let world = World::start("session_ended").await;
    let (profile, elsewhere) = (BrowserProfile::new(), BrowserProfile::new());
    let page = signed_in(&world, &profile).await;
    let other = signed_in(&world, &elsewhere).await;
    let token = page.run("return Clerk.session.getToken()").await;
    let id = page.run("return Clerk.session.id").await;
    let id = id.as_str().expect("an id");
    world
        .control(Method::DELETE, &format!("/sessions/{id}"), json!({}))
        .await;
    assert_eq!(refusal(&page, &token).await, "session_ended");
    until_signed_out(&page).await;
    assert_eq!(other.run("return (await call('/api/me')).status").await, 200);
    profile.close().await;
    elsewhere.close().await;
}
