//! Tests of deliveries that deny a user or a session, in any order.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::sync::{SyncError, UserSyncBuilder};
use clerk_auth::testing::session_object;
use clerk_auth::time::Clock;
use clerk_auth::token::Refusal;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};
use serde_json::json;

use super::{gone, receive, refused, start, user};

on_both_databases!(
    deleted_user_stays_deleted_after_late_deliveries,
    ended_session_is_refused_until_its_tokens_have_expired,
    banned_locked_or_deprovisioned_user_is_refused_until_an_event_lifts_it,
    old_ban_is_ignored_however_late_it_arrives,
);

async fn deleted_user_stays_deleted_after_late_deliveries(database: TestDatabase) {
    let profiles = start(&database).await;
    receive(&profiles, "user.created", user("user_ada", "Ada", 100)).await;
    let ada = profiles.session(token("user_ada", "Ada", 100)).await;
    // The first user had a row, and the second had none.
    for user_id in ["user_ada", "user_eve"] {
        assert_eq!(
            receive(&profiles, "user.deleted", gone(user_id)).await,
            StatusCode::NO_CONTENT
        );
        let late = profiles.authenticate(token(user_id, "Late", 900)).await;
        assert_eq!(late.map(drop), refused(Refusal::UserDeleted));
        for event_type in ["user.created", "user.updated", "user.deleted"] {
            let data = if event_type == "user.deleted" {
                gone(user_id)
            } else {
                user(user_id, "Late", 900)
            };
            assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
            let alive = "SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL";
            assert_eq!(
                profiles.pool.number(alive).await,
                0,
                "{user_id} after {event_type}"
            );
        }
    }
    // The row refuses a session that was verified before.
    let known = profiles.users.sync(&ada).await;
    assert!(matches!(known, Err(SyncError::UserDeleted)), "{known:?}");
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL")
            .await,
        0
    );
    // Clerk's schema does not promise the id of the deleted user.
    let without_id = json!({ "object": "user", "deleted": true });
    assert_eq!(
        receive(&profiles, "user.deleted", without_id).await,
        StatusCode::NO_CONTENT
    );
}

async fn ended_session_is_refused_until_its_tokens_have_expired(database: TestDatabase) {
    let profiles = start(&database).await;
    let bearing = |session: &'static str| token("user_ada", "Ada", 100).claim("sid", session);
    for (event_type, session) in [
        ("session.ended", "sess_1"),
        ("session.removed", "sess_2"),
        ("session.revoked", "sess_3"),
    ] {
        profiles.session(bearing(session)).await;
        let data = session_object(session, "user_ada", "ended", profiles.clock.now());
        assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
        let ended = profiles.authenticate(bearing(session)).await;
        assert_eq!(ended.map(drop), refused(Refusal::SessionEnded), "{event_type}");
    }
    for event_type in ["session.created", "session.pending"] {
        let data = session_object("sess_4", "user_ada", "active", profiles.clock.now());
        assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
    }
    profiles.session(bearing("sess_4")).await;
    // The denial lasts for the longest lifetime of a token: 28 hours by default.
    profiles.clock.advance(Duration::from_secs(28 * 3_600 - 1));
    let ended = profiles.authenticate(bearing("sess_1")).await;
    assert_eq!(ended.map(drop), refused(Refusal::SessionEnded));
    profiles.clock.advance(Duration::from_secs(1));
    profiles.session(bearing("sess_1")).await;
}

async fn banned_locked_or_deprovisioned_user_is_refused_until_an_event_lifts_it(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let profiles: Profiles = Profiles::start_with(
        pool,
        UserSyncBuilder::lockout_ends_sessions,
        UserSyncBuilder::lockout_ends_sessions,
    )
    .await;
    let authenticate = async || {
        let session = profiles.authenticate(token("user_ada", "Ada", 100)).await;
        session.map(drop)
    };
    let mut second = 100;
    for (flag, refusal) in [
        ("banned", Refusal::UserBanned),
        ("locked", Refusal::UserLocked),
        ("deprovisioned", Refusal::UserDeprovisioned),
    ] {
        let mut barred = user("user_ada", "Ada", second);
        barred[flag] = true.into();
        assert_eq!(
            receive(&profiles, "user.updated", barred.clone()).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(authenticate().await, refused(refusal));
        receive(&profiles, "user.updated", user("user_ada", "Ada", second + 1)).await;
        assert_eq!(authenticate().await, Ok(()));
        // The older delivery arrives again.
        receive(&profiles, "user.updated", barred).await;
        assert_eq!(authenticate().await, Ok(()), "{flag}");
        second += 10;
    }
    let mut locked = user("user_ada", "Ada", 900);
    locked["locked"] = true.into();
    locked["lockout_expires_in_seconds"] = 30.into();
    receive(&profiles, "user.updated", locked).await;
    profiles.clock.advance(Duration::from_secs(29));
    assert_eq!(authenticate().await, refused(Refusal::UserLocked));
    profiles.clock.advance(Duration::from_secs(1));
    assert_eq!(authenticate().await, Ok(()));
}

async fn old_ban_is_ignored_however_late_it_arrives(database: TestDatabase) {
    let profiles = start(&database).await;
    let mut banned = user("user_ada", "Ada", 100);
    banned["banned"] = true.into();
    receive(&profiles, "user.updated", user("user_ada", "Ada", 200)).await;
    profiles.clock.advance(Duration::from_secs(3_600));
    receive(&profiles, "user.updated", banned).await;
    profiles.session(token("user_ada", "Ada", 200)).await;
}
