//! Denials apply to tokens that Clerk's edge copies, whatever is minted after the event that barred.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::testing::{SessionToken, SignedDelivery, event, session_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use serde_json::{Value, json};
use tower::ServiceExt;

on_both_databases!(
    edge_token_of_a_banned_user_is_refused_until_the_ban_is_lifted,
    edge_token_of_a_deleted_user_is_refused_whatever_it_copies,
    edge_token_of_an_ended_session_is_refused_and_of_another_accepted,
    edge_token_that_outlives_denials_through_its_copies_is_refused,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

async fn start(database: &TestDatabase) -> Profiles {
    Profiles::start_on(Pool::open(database.url(), 5).await).await
}

async fn receive(profiles: &Profiles, event_type: &str, data: Value) {
    let now = profiles.clock.now();
    let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let answer = router
        .oneshot(delivery.request("/"))
        .await
        .expect("a router answers");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{event_type}");
}

/// What the origin mints now.
fn origin(profiles: &Profiles, user_id: &str, session_id: &str) -> String {
    let token = token(user_id, "Ada", 100).claim("sid", session_id);
    token.issued_at(profiles.clock.now()).sign()
}

/// What the edge mints now from an earlier token, and from a copy of it.
fn copies(profiles: &Profiles, earlier: &str) -> [SessionToken<'static>; 2] {
    let first = issuer()
        .edge_token(earlier)
        .issued_at(profiles.clock.now())
        .sign();
    [issuer().edge_token(earlier), issuer().edge_token(&first)]
}

async fn refusal(profiles: &Profiles, token: SessionToken<'_>) -> Option<Refusal> {
    match profiles.authenticate(token).await {
        Ok(_) => None,
        Err(AuthenticationError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}

async fn assert_copies(profiles: &Profiles, earlier: &str, expected: Option<Refusal>) {
    for copy in copies(profiles, earlier) {
        assert_eq!(refusal(profiles, copy).await, expected);
    }
}

fn user(updated_at: Timestamp, banned: bool) -> Value {
    let mut user = user_object("user_ada", updated_at);
    user["banned"] = banned.into();
    user
}

async fn edge_token_of_a_banned_user_is_refused_until_the_ban_is_lifted(database: TestDatabase) {
    let profiles = start(&database).await;
    let before = origin(&profiles, "user_ada", "sess_1");
    receive(&profiles, "user.updated", user(profiles.clock.now(), true)).await;
    profiles.clock.advance(Duration::from_secs(30));
    assert_copies(&profiles, &before, Some(Refusal::UserBanned)).await;

    // Another process, which heard of nothing, reads it at its start.
    let restarted = start(&database).await;
    assert_copies(&restarted, &before, Some(Refusal::UserBanned)).await;

    // Copied claims are older than the lifting, and who is admitted is the newest event's to say.
    receive(&profiles, "user.updated", user(profiles.clock.now(), false)).await;
    assert_copies(&profiles, &before, None).await;
}

async fn edge_token_of_a_deleted_user_is_refused_whatever_it_copies(database: TestDatabase) {
    let profiles = start(&database).await;
    let before = origin(&profiles, "user_ada", "sess_1");
    profiles.clock.advance(Duration::from_secs(3_600));
    let gone = json!({ "id": "user_ada", "object": "user", "deleted": true });
    receive(&profiles, "user.deleted", gone).await;
    profiles.clock.advance(Duration::from_secs(3_600));
    let after = origin(&profiles, "user_ada", "sess_2");
    for earlier in [&before, &after] {
        assert_copies(&profiles, earlier, Some(Refusal::UserDeleted)).await;
    }
}

async fn edge_token_of_an_ended_session_is_refused_and_of_another_accepted(database: TestDatabase) {
    let profiles = start(&database).await;
    let ended = origin(&profiles, "user_ada", "sess_1");
    let other = origin(&profiles, "user_ada", "sess_2");
    for status in ["ended", "removed", "revoked"] {
        let data = session_object("sess_1", "user_ada", status, profiles.clock.now());
        receive(&profiles, &format!("session.{status}"), data).await;
        profiles.clock.advance(Duration::from_secs(20));
        assert_copies(&profiles, &ended, Some(Refusal::SessionEnded)).await;
        assert_copies(&profiles, &other, None).await;
    }
}

/// The edge can copy claims for as long as the session lives, and a denial is forgotten after 28 hours.
async fn edge_token_that_outlives_denials_through_its_copies_is_refused(database: TestDatabase) {
    let profiles = start(&database).await;
    let first = origin(&profiles, "user_ada", "sess_1");
    let data = session_object("sess_1", "user_ada", "ended", profiles.clock.now());
    receive(&profiles, "session.ended", data).await;
    profiles.clock.advance(Duration::from_secs(27 * 3_600));
    assert_copies(&profiles, &first, Some(Refusal::SessionEnded)).await;
    profiles.clock.advance(Duration::from_secs(2 * 3_600));
    assert_copies(&profiles, &first, Some(Refusal::LivesTooLong)).await;
    // Claims that were read since tell that Clerk knows the session.
    let fresh = origin(&profiles, "user_ada", "sess_1");
    assert_copies(&profiles, &fresh, None).await;
}
