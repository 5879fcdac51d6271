//! Tests of changes at Clerk, and of the ways by which they reach the row.

use clerk_auth::dev::Minter;
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::BrowserProfile;
use crate::world::World;

#[tokio::test]
async fn changed_profile_is_seen_after_skip_cache_and_after_the_webhook() {
    let world = World::start("profile_change").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    page.run("await signIn('ada@example.com')").await;
    let summary = "({ status, sync, body }) => [status, sync, body.first_name]";
    let call = format!("return callWithToken('/api/me').then({summary})");
    assert_eq!(page.run(&call).await, json!([200, "inserted", "Ada"]));

    // The webhook is held back, so that only a new token contains the change.
    let change = json!({ "first_name": "Augusta", "webhook": { "hold": true } });
    world.control(Method::POST, "/users/user_ada", change).await;
    assert_eq!(page.run(&call).await, json!([200, "unchanged", "Ada"]));
    let fresh = format!(
        "return call('/api/me', await Clerk.session.getToken({{ skipCache: true }})).then({summary})"
    );
    assert_eq!(page.run(&fresh).await, json!([200, "updated", "Augusta"]));

    // Now the token is the older one.
    let change = json!({ "first_name": "Countess" });
    world.control(Method::POST, "/users/user_ada", change).await;
    world.until_rows("first_name = 'Countess'", 1).await;
    assert_eq!(page.run(&call).await[2], "Countess");

    // The user changes the name in the page.
    page.run("await Clerk.user.update({ firstName: 'Ada', lastName: 'King' })")
        .await;
    world
        .until_rows("first_name = 'Ada' AND last_name = 'King'", 1)
        .await;
    profile.close().await;
}

#[tokio::test]
async fn token_of_the_edge_does_not_undo_a_webhook() {
    let world = World::start("edge_token").await;
    world.stand_in.set_minter(Minter::Edge);
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    page.run("await signIn('ada@example.com')").await;
    assert_eq!(
        page.run("return (await callWithToken('/api/me')).sync").await,
        "inserted"
    );
    let change = json!({ "first_name": "Augusta" });
    world.control(Method::POST, "/users/user_ada", change).await;
    world.until_rows("first_name = 'Augusta'", 1).await;

    // A refresh in the next second gives a new token with old claims.
    let script = "
        const before = await Clerk.session.getToken();
        const token = await until('the edge mints in another second', async () => {
            Clerk.session.clearCache();
            const token = await Clerk.session.getToken();
            return claims(token).iat > claims(before).iat && token;
        });
        const { iat, firstName } = claims(token);
        return { isOlder: header(token).oiat < iat, firstName, answer: await call('/api/me', token) }";
    let result = page.run(script).await;
    assert_eq!(
        (&result["isOlder"], &result["firstName"]),
        (&json!(true), &json!("Ada"))
    );
    let answer = &result["answer"];
    assert_eq!(
        (&answer["status"], &answer["body"]["first_name"]),
        (&json!(200), &json!("Augusta"))
    );
    assert_eq!(world.row_count("first_name = 'Augusta'").await, 1);

    // `skipCache` requires a token of the origin.
    let script = "
        const token = await Clerk.session.getToken({ skipCache: true });
        return [claims(token).firstName, (await call('/api/me', token)).body.first_name]";
    assert_eq!(page.run(script).await, json!(["Augusta", "Augusta"]));
    profile.close().await;
}

/// The edge copies claims, so it cannot mint a token for another organization.
#[tokio::test]
async fn token_of_another_organization_comes_from_the_origin() {
    let world = World::start("edge_organization").await;
    world.stand_in.set_minter(Minter::Edge);
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    page.run("await signIn('ada@example.com'); await Clerk.setActive({ organization: 'org_acme' })")
        .await;
    for (organization, expected) in [
        ("'org_beta'", "org_beta member"),
        ("'org_acme'", "org_acme admin"),
    ] {
        let script = format!(
            "Clerk.session.clearCache();
             const {{ o }} = claims(await Clerk.session.getToken({{ organizationId: {organization} }}));
             return `${{o.id}} ${{o.rol}}`"
        );
        assert_eq!(page.run(&script).await, expected);
    }
    let script = "Clerk.session.clearCache();
        return claims(await Clerk.session.getToken({ organizationId: null })).o ?? null";
    assert_eq!(page.run(script).await, Value::Null);
    profile.close().await;
}

#[tokio::test]
async fn role_follows_the_active_organization() {
    let world = World::start("organization_switch").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    // The user gets a row, because an event about a membership waits for the row of its user.
    page.run("await signIn('ada@example.com'); await call('/api/me')")
        .await;
    for (organization, status) in [
        ("'org_acme'", 200),
        ("'org_beta'", 403),
        ("null", 403),
        ("'org_acme'", 200),
    ] {
        let script = format!(
            "await Clerk.setActive({{ organization: {organization} }});
             return Promise.all([call('/api/admin/users'), callWithToken('/api/admin/users')])
                 .then((answers) => answers.map(({{ status }}) => status))"
        );
        assert_eq!(page.run(&script).await, json!([status, status]), "{organization}");
    }
    // The role is taken away, and the next token is without it.
    let role = json!({ "role": "org:member" });
    world
        .control(Method::POST, "/organizations/org_acme/members/user_ada", role)
        .await;
    assert_eq!(world.transcript.until("/webhooks/clerk", 1).await, [204]);
    let script = "return call('/api/admin/users', await Clerk.session.getToken({ skipCache: true }))
        .then(({ status }) => status)";
    assert_eq!(page.run(script).await, 403);
    profile.close().await;
}
