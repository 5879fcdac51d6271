//! Denials apply to the copies of tokens that Clerk's edge mints, before and after the event.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::testing::{SessionToken, session_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Profiles, issuer, token};
use serde_json::Value;

use crate::denials::events::{deleted, receive, refusal, start};

on_both_databases!(
    edge_token_of_a_banned_user_is_refused_until_the_ban_is_lifted,
    edge_token_of_a_deleted_user_is_refused_whatever_it_copies,
    edge_token_of_an_ended_session_is_refused_and_of_another_accepted,
    edge_token_that_outlives_denials_through_its_copies_is_refused,
);

async fn deliver(profiles: &Profiles, event_type: &str, data: Value) {
    let status = receive(profiles, event_type, data).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{event_type}");
}

/// Mints a token as Clerk's origin does.
fn origin(profiles: &Profiles, user_id: &str, session_id: &str) -> String {
    let token = token(user_id, "Ada", 100).claim("sid", session_id);
    token.issued_at(profiles.clock.now()).sign()
}

/// Begins two tokens as Clerk's edge mints them: a copy of an earlier token, and a copy of that copy.
fn copies(profiles: &Profiles, earlier: &str) -> [SessionToken<'static>; 2] {
    let first = issuer()
        .edge_token(earlier)
        .issued_at(profiles.clock.now())
        .sign();
    [issuer().edge_token(earlier), issuer().edge_token(&first)]
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
    deliver(&profiles, "user.updated", user(profiles.clock.now(), true)).await;
    profiles.clock.advance(Duration::from_secs(30));
    assert_copies(&profiles, &before, Some(Refusal::UserBanned)).await;

    // A process that received no event reads the ban from the table when it starts.
    let restarted = start(&database).await;
    assert_copies(&restarted, &before, Some(Refusal::UserBanned)).await;

    // The copied claims are older than the lifting, but the newest event decides.
    deliver(&profiles, "user.updated", user(profiles.clock.now(), false)).await;
    assert_copies(&profiles, &before, None).await;
}

async fn edge_token_of_a_deleted_user_is_refused_whatever_it_copies(database: TestDatabase) {
    let profiles = start(&database).await;
    let before = origin(&profiles, "user_ada", "sess_1");
    profiles.clock.advance(Duration::from_secs(3_600));
    deliver(&profiles, "user.deleted", deleted("user_ada")).await;
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
        deliver(&profiles, &format!("session.{status}"), data).await;
        profiles.clock.advance(Duration::from_secs(20));
        assert_copies(&profiles, &ended, Some(Refusal::SessionEnded)).await;
        assert_copies(&profiles, &other, None).await;
    }
}

/// The edge can copy claims as long as the session lives, but a denial expires after 28 hours.
async fn edge_token_that_outlives_denials_through_its_copies_is_refused(database: TestDatabase) {
    let profiles = start(&database).await;
    let first = origin(&profiles, "user_ada", "sess_1");
    let data = session_object("sess_1", "user_ada", "ended", profiles.clock.now());
    deliver(&profiles, "session.ended", data).await;
    profiles.clock.advance(Duration::from_secs(27 * 3_600));
    assert_copies(&profiles, &first, Some(Refusal::SessionEnded)).await;
    profiles.clock.advance(Duration::from_secs(2 * 3_600));
    assert_copies(&profiles, &first, Some(Refusal::LivesTooLong)).await;
    // Claims that Clerk has read after the denial expired prove that the session lives.
    let fresh = origin(&profiles, "user_ada", "sess_1");
    assert_copies(&profiles, &fresh, None).await;
}
