//! The last handle on the rows of members ends every task, so that nothing holds the pool any longer.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::testing::{event, organization_object};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use futures_util::FutureExt;
use sqlx::pool::CloseEvent;
use tokio::time::timeout;

use super::members::{Process, later, member};

on_both_databases!(
    pool_ends_with_unused_handles,
    pool_ends_with_the_last_handle_on_users,
    pool_ends_with_the_last_handle_on_members,
);

/// Returns the end of the process's pool.
fn end(process: &Process) -> CloseEvent {
    match &process.people.pool {
        Pool::Postgres(pool) => pool.close_event(),
        Pool::Sqlite(pool) => pool.close_event(),
    }
}

/// A process that has served a member, and received a delivery about each kind of row.
async fn used(database: &TestDatabase) -> Process {
    let process = Process::first(database).await;
    let session = process.people.session(member("user_ada", "org:admin")).await;
    let served = process.members.member(&session).await.expect("it syncs");
    assert!(served.is_some());
    let now = later(process.now(), 1);
    let renamed = event("organization.updated", organization_object("org_1", now), now);
    let answers = [
        process.deliver("updated", "org:member", now, now).await,
        process.people.receive(&renamed).await,
    ];
    assert_eq!(answers, [StatusCode::NO_CONTENT; 2]);
    process
}

async fn ends(pool: CloseEvent) {
    let ended = timeout(Duration::from_secs(20), pool).await;
    ended.expect("nothing holds the pool");
}

async fn pool_ends_with_unused_handles(database: TestDatabase) {
    let process = Process::first(&database).await;
    let pool = end(&process);
    let clerk = process.people.clerk().clone();
    drop(process);
    ends(pool).await;
    drop(clerk);
}

async fn pool_ends_with_the_last_handle_on_users(database: TestDatabase) {
    let process = used(&database).await;
    let users = process.people.users.clone();
    pool_ends_with(process, users).await;
}

async fn pool_ends_with_the_last_handle_on_members(database: TestDatabase) {
    let process = used(&database).await;
    let members = process.members.clone();
    pool_ends_with(process, members).await;
}

async fn pool_ends_with<H>(process: Process, last: H) {
    let mut pool = end(&process);
    drop(process);
    assert_eq!((&mut pool).now_or_never(), None, "a handle uses the pool");
    drop(last);
    ends(pool).await;
}
