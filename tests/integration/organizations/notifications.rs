//! Other processes' changes of organizations and memberships, announced by PostgreSQL.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use clerk_auth::Session;
use clerk_auth::sync::SyncOutcome;
use clerk_auth::testing::{event, organization_object};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use clerk_auth_tests::proxy::Proxy;
use tokio::time::sleep;

use super::members::{Process, later, member};

/// Waits until the rows of a session are cached. A busy machine may have treated a late answer as silence meanwhile.
async fn wait_until_cached(process: &Process, session: &Session) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let user = process.people.users.sync(session).await.expect("it syncs");
        let team = process
            .teams
            .sync(session)
            .await
            .expect("it syncs")
            .expect("active");
        let membership = process
            .members
            .sync(session)
            .await
            .expect("it syncs")
            .expect("active");
        let outcomes = [user.outcome, team.outcome, membership.outcome];
        if outcomes == [SyncOutcome::Cached; 3] {
            return;
        }
        assert!(Instant::now() < deadline, "{outcomes:?}");
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn handles_on_one_pool_listen_by_one_connection() {
    let database = TestDatabase::postgres().await;
    let observer = Pool::open(database.url(), 1).await;
    let process = Process::first_of(Pool::open(database.url(), 1).await).await;
    let session = process.people.session(member("user_ada", "org:admin")).await;
    wait_until_cached(&process, &session).await;
    // The connections of the observer, the pool and the listener.
    let connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let number = observer.number(connections).await;
        if number == 3 {
            break;
        }
        assert!(Instant::now() < deadline, "{number} connections");
        sleep(Duration::from_millis(10)).await;
    }
    wait_until_cached(&process, &session).await;

    // A handle that starts later uses the same connection.
    let more = Process::start(process.people.pool.clone()).await;
    wait_until_cached(&more, &session).await;
    assert_eq!(observer.number(connections).await, 3);
}

#[tokio::test]
async fn copy_is_not_served_without_the_listener() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let here = Process::first(&database).await;
    let through = Pool::open(&database.url_through(proxy.address()), 10).await;
    let there = Process::start(through).await;
    let session = there.people.session(member("user_ada", "org:admin")).await;
    wait_until_cached(&there, &session).await;

    proxy.cut().await;
    let now = later(here.now(), 1);
    assert_eq!(
        here.deliver("updated", "org:member", now, now).await,
        StatusCode::NO_CONTENT
    );
    // The event of a membership contains the organization.
    let now = later(now, 1);
    let mut organization = organization_object("org_1", now);
    organization["name"] = "Engineers".into();
    let renamed = event("organization.updated", organization, now);
    assert_eq!(here.people.receive(&renamed).await, StatusCode::NO_CONTENT);
    proxy.restore();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let team = there.teams.sync(&session).await;
        let membership = there.members.sync(&session).await;
        if let (Ok(Some(team)), Ok(Some(membership))) = (&team, &membership) {
            let rows = (team.user.name.as_str(), membership.user.role.as_str());
            if rows == ("Engineers", "org:member") {
                break;
            }
            assert_ne!(team.outcome, SyncOutcome::Unchanged, "an old row was read");
        }
        assert!(Instant::now() < deadline, "{team:?} {membership:?}");
        sleep(Duration::from_millis(2)).await;
    }
    wait_until_cached(&there, &session).await;
}
