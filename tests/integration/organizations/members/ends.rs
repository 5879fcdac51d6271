//! Tests of ended memberships: which later events and tokens restore the row.

use axum::http::StatusCode;
use clerk_auth::testing::{event, organization_object, user_object};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;

use super::{Process, later, member};

on_both_databases!(
    member_who_returns_has_the_row_again,
    event_before_the_end_that_is_late_restores_nothing,
    return_between_two_ends_that_is_late_restores_nothing,
    end_of_an_unknown_membership_is_remembered,
);

async fn member_who_returns_has_the_row_again(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let left = later(process.now(), 1);
    assert_eq!(
        process.deliver("deleted", "org:admin", process.now(), left).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await, None);
    let returned = later(left, 1);
    assert_eq!(
        process.deliver("created", "org:guest", returned, returned).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await.as_deref(), Some("org:guest"));
    // The end is delivered again, after the return.
    let end = process.deliver("deleted", "org:admin", process.now(), left).await;
    assert_eq!(end, StatusCode::NO_CONTENT);
    assert_eq!(process.stored_role().await.as_deref(), Some("org:guest"));
    // A member can also return by a token alone.
    assert_eq!(
        process
            .deliver("deleted", "org:guest", returned, later(returned, 1))
            .await,
        StatusCode::NO_CONTENT
    );
    process.people.clock.advance(std::time::Duration::from_secs(10));
    let role = process
        .role(member("user_ada", "org:owner"))
        .await
        .expect("it syncs");
    assert_eq!(role.as_deref(), Some("org:owner"));
    assert_eq!(process.stored_role().await.as_deref(), Some("org:owner"));
    assert_eq!(process.number("team_members").await, 1);
}

async fn event_before_the_end_that_is_late_restores_nothing(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let (joined, left) = (later(process.now(), 1), later(process.now(), 3));
    assert_eq!(
        process.deliver("deleted", "org:admin", joined, left).await,
        StatusCode::NO_CONTENT
    );
    for (kind, updated_at) in [
        ("created", joined),
        ("updated", later(joined, 1)),
        ("updated", left),
    ] {
        assert_eq!(
            process.deliver(kind, "org:owner", updated_at, updated_at).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(process.stored_role().await, None, "{kind}");
    }
    assert_eq!(
        process.deliver("deleted", "org:admin", joined, left).await,
        StatusCode::NO_CONTENT
    );
}

async fn return_between_two_ends_that_is_late_restores_nothing(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let other = Process::without_denials(process.people.pool.clone()).await;
    let now = process.now();
    let at = |seconds| later(now, seconds);
    for (process, kind, updated_at, happened_at) in [
        (&process, "deleted", at(1), at(1)),
        (&process, "deleted", at(4), at(5)),
        (&other, "created", at(2), at(2)),
        (&other, "updated", at(4), at(4)),
    ] {
        let delivered = process.deliver(kind, "org:owner", updated_at, happened_at).await;
        assert_eq!(delivered, StatusCode::NO_CONTENT);
        assert_eq!(process.stored_role().await, None, "{kind}");
    }
    let delivered = other.deliver("created", "org:guest", at(6), at(6)).await;
    assert_eq!(delivered, StatusCode::NO_CONTENT);
    assert_eq!(process.stored_role().await.as_deref(), Some("org:guest"));
}

async fn end_of_an_unknown_membership_is_remembered(database: TestDatabase) {
    let process = Process::first(&database).await;
    let now = process.now();
    let ada = event("user.created", user_object("user_ada", now), now);
    assert_eq!(process.people.receive(&ada).await, StatusCode::NO_CONTENT);
    let team = event("organization.created", organization_object("org_1", now), now);
    assert_eq!(process.people.receive(&team).await, StatusCode::NO_CONTENT);
    assert_eq!(
        process.deliver("deleted", "org:admin", now, later(now, 1)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        process.deliver("created", "org:admin", now, now).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await, None);
    assert_eq!(process.number("team_members").await, 1);
}
