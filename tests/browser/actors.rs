//! Tests of pending sessions, and of sessions in which another person or an agent acts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{BrowserProfile, Page};
use crate::world::World;

/// Opens a page that is signed in with a ticket.
async fn with_ticket(world: &World, profile: &BrowserProfile, request: Value) -> Page {
    let page = world.open(profile).await;
    let ticket = world.control(Method::POST, "/tickets", request).await;
    page.run(&format!("await signInWithTicket({})", ticket["ticket"]))
        .await;
    page
}

#[tokio::test]
async fn pending_session_is_refused_until_its_task_is_done() {
    let world = World::start("pending").await;
    let profile = BrowserProfile::new();
    let page = with_ticket(
        &world,
        &profile,
        json!({ "user_id": "user_ada", "pending": true }),
    )
    .await;
    assert_eq!(
        page.run("return [Clerk.session.status, Clerk.session.currentTask.key]")
            .await,
        json!(["pending", "choose-organization"])
    );
    let codes = "return [(await call('/api/me')).code, (await callWithToken('/api/me')).code]";
    assert_eq!(
        page.run(codes).await,
        json!(["session_pending", "session_pending"])
    );
    assert_eq!(world.row_count("clerk_id = 'user_ada'").await, 0);
    page.run("await Clerk.setActive({ organization: 'org_acme' })")
        .await;
    assert_eq!(page.run("return Clerk.session.status").await, "active");
    let statuses = "return [(await call('/api/me')).status, (await callWithToken('/api/me')).status]";
    assert_eq!(page.run(statuses).await, json!([200, 200]));
    profile.close().await;
}

/// An application that denies agents refuses the agent's session, in a browser too, and not the person's own.
#[tokio::test]
async fn session_of_an_agent_is_denied_where_agents_are() {
    let world = World::start_without_agents("deny_agents").await;
    for (request, status, code) in [
        (
            json!({ "user_id": "user_ada", "agent": "agent_1" }),
            403,
            json!("agent_denied"),
        ),
        (
            json!({ "user_id": "user_ada", "impersonator": "user_bob" }),
            200,
            Value::Null,
        ),
        (json!({ "user_id": "user_ada" }), 200, Value::Null),
    ] {
        let profile = BrowserProfile::new();
        let page = with_ticket(&world, &profile, request.clone()).await;
        for path in ["/api/me", "/api/session", "/api/notes"] {
            for call in ["call", "callWithToken"] {
                let answer = page.run(&format!("return {call}('{path}')")).await;
                assert_eq!(
                    (&answer["status"], &answer["code"]),
                    (&json!(status), &code),
                    "{request}, {call}, {path}"
                );
            }
        }
        let rows = world.row_count("clerk_id = 'user_ada'").await;
        assert_eq!(
            rows,
            i64::from(status == 200),
            "the policy decides before a row is written"
        );
        profile.close().await;
    }
}

#[tokio::test]
async fn impersonator_and_agent_are_visible_to_the_application() {
    let world = World::start("impersonation").await;
    for (request, actor) in [
        (
            json!({ "user_id": "user_ada", "impersonator": "user_bob" }),
            "user_bob",
        ),
        (json!({ "user_id": "user_ada", "agent": "agent_1" }), "agent_1"),
    ] {
        let profile = BrowserProfile::new();
        let page = with_ticket(&world, &profile, request).await;
        assert_eq!(page.run("return Clerk.session.actor.sub").await, actor);
        let session = page
            .run("return (await callWithToken('/api/session')).body")
            .await;
        assert_eq!(session["user_id"], "user_ada");
        assert!(session.to_string().contains(actor), "{session}");
        // The request reads the user's row, and not the actor's.
        assert_eq!(
            page.run("return (await call('/api/me')).body.clerk_id").await,
            "user_ada"
        );
        profile.close().await;
    }
    assert_eq!(world.row_count("clerk_id = 'user_ada'").await, 1);
    assert_eq!(world.row_count("clerk_id <> 'user_ada'").await, 0);
}
