//! Tests of memberships of organizations and users that were removed.

use axum::http::StatusCode;
use clerk_auth::sync::{SyncError, SyncOutcome, UserSyncBuilder};
use clerk_auth::testing::{event, membership_object, user_object};
use clerk_auth::time::Clock;
use clerk_auth::{MembershipSync, OrganizationSync, SyncedMembership, SyncedUser};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles};
use serde_json::json;

use super::{Process, Team, member};

on_both_databases!(
    rows_of_a_removed_organization_go_with_it,
    event_of_a_removed_organization_is_acknowledged,
    event_of_a_user_who_was_deleted_without_a_row_is_acknowledged,
    event_of_a_removed_user_is_acknowledged,
);

async fn rows_of_a_removed_organization_go_with_it(database: TestDatabase) {
    let process = Process::first(&database).await;
    let session = process.people.session(member("user_ada", "org:admin")).await;
    process.members.sync(&session).await.expect("it syncs");
    let now = process.now();
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    let deleted = event("organization.deleted", deleted, now);
    assert_eq!(process.people.receive(&deleted).await, StatusCode::NO_CONTENT);
    assert_eq!(
        (
            process.number("teams").await,
            process.number("team_members").await
        ),
        (0, 0)
    );
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        match process.members.sync(&session).await {
            Err(SyncError::MembershipEnded | SyncError::OrganizationDeleted) => break,
            // The row may be cached until its window ends.
            Ok(Some(synced)) if synced.outcome == SyncOutcome::Cached => {
                process.people.clock.advance(std::time::Duration::from_secs(6));
            }
            other => panic!("{other:?}"),
        }
        assert!(std::time::Instant::now() < deadline, "the row is still cached");
    }
    assert_eq!(process.number("team_members").await, 0);
}

/// A process that has not received the denial finds the tombstone.
async fn event_of_a_removed_organization_is_acknowledged(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let now = process.now();
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    let deleted = event("organization.deleted", deleted, now);
    assert_eq!(process.people.receive(&deleted).await, StatusCode::NO_CONTENT);

    let later = Process::without_denials(process.people.pool.clone()).await;
    for kind in ["created", "updated", "deleted"] {
        let answer = later.deliver(kind, "org:admin", now, now).await;
        assert_eq!(answer, StatusCode::NO_CONTENT, "{kind}");
    }
    assert_eq!(
        (later.number("teams").await, later.number("team_members").await),
        (0, 0)
    );
}

async fn event_of_a_user_who_was_deleted_without_a_row_is_acknowledged(database: TestDatabase) {
    let process = Process::first(&database).await;
    let now = process.now();
    let deleted = json!({ "id": "user_ada", "object": "user", "deleted": true });
    let deleted = event("user.deleted", deleted, now);
    assert_eq!(process.people.receive(&deleted).await, StatusCode::NO_CONTENT);
    for kind in ["created", "updated", "deleted"] {
        let answer = process.deliver(kind, "org:admin", now, now).await;
        assert_eq!(answer, StatusCode::NO_CONTENT, "{kind}");
    }
    assert_eq!(process.number("team_members").await, 0);
}

/// A user whose row is removed by a deletion.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "leavers",
    tombstones = "former_leavers",
    template_json = r#"{"updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Leaver {
    #[expect(dead_code, reason = "memberships reference it")]
    clerk_id: String,
}

#[derive(Clone, Debug, SyncedMembership)]
#[synced_membership(table = "leaver_members", user = Leaver, organization = Team, database(postgres, sqlite))]
#[expect(dead_code, reason = "the table is looked at")]
struct LeaverMember {
    user_id: String,
    organization_id: String,
    role: String,
}

/// A process that has not received the denial finds the tombstone.
async fn event_of_a_removed_user_is_acknowledged(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    pool.migrate::<Leaver>().await;
    pool.migrate::<Team>().await;
    pool.migrate::<LeaverMember>().await;
    let start = async || {
        let leavers = Profiles::<Leaver>::of_table(
            pool.clone(),
            UserSyncBuilder::denials_in_memory,
            UserSyncBuilder::denials_in_memory,
        );
        let leavers = leavers.await;
        let teams: OrganizationSync<Team> = pool.organizations(&leavers.users).await;
        let members: MembershipSync<LeaverMember> = pool.memberships(&leavers.users, &teams).await;
        (leavers, members)
    };
    let (leavers, _members) = start().await;
    let now = leavers.clock.now();
    for (kind, data) in [
        ("user.created", user_object("user_ada", now)),
        (
            "user.deleted",
            json!({ "id": "user_ada", "object": "user", "deleted": true }),
        ),
    ] {
        assert_eq!(
            leavers.receive(&event(kind, data, now)).await,
            StatusCode::NO_CONTENT,
            "{kind}"
        );
    }

    let (later, _members) = start().await;
    let joined = membership_object("user_ada", "org_1", "org:admin", now);
    let joined = event("organizationMembership.created", joined, now);
    assert_eq!(later.receive(&joined).await, StatusCode::NO_CONTENT);
    assert_eq!(pool.number("SELECT count(*) FROM leaver_members").await, 0);
}
