//! Members behind PgBouncer in transaction mode.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged, Updated};
use clerk_auth::testing::{event, membership_object};
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::pooler::Pooler;
use clerk_auth_tests::profiles::{Pool, Profiles};
use futures_util::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::together::{Process, create_tables, member, outcomes};

#[tokio::test]
async fn members_are_inserted_read_and_updated_behind_a_pooler() {
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 1).await;
    create_tables(&past).await;
    // Fewer server sessions than connections, so that they are shared.
    let pooler = Pooler::in_front_of(&database, 3);
    let options: PgConnectOptions = pooler.url().parse().expect("the URL is right");
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .connect_lazy_with(options.statement_cache_capacity(0));
    let pool = Pool::Postgres(pool);
    let people = Profiles::of_table(
        pool.clone(),
        |builder| {
            builder
                .transaction_pooling()
                .sync_timeout(Duration::from_secs(20))
        },
        |builder| builder,
    );
    let process = Process::of(people.await, pool).await;
    for (role, expected) in [
        ("org:member", [Inserted; 3]),
        ("org:member", [Unchanged; 3]),
        ("org:admin", [Unchanged, Unchanged, Updated]),
    ] {
        let requests = (0..12).map(async |number| {
            let (user, organization) = (format!("user_{number}"), format!("org_{number}"));
            let rows = process.member(member(&user, &organization, role)).await;
            let rows = rows.expect("it syncs").expect("active");
            assert_eq!((outcomes(&rows), &*rows.membership.role), (expected, role));
        });
        join_all(requests).await;
        process.people.clock.advance(Duration::from_secs(2));
    }
    let now = process.people.clock.now();
    let changed = membership_object("user_0", "org_0", "org:owner", now);
    let changed = event("organizationMembership.updated", changed, now);
    assert_eq!(process.people.receive(&changed).await, StatusCode::NO_CONTENT);
    assert_eq!(
        past.number("SELECT count(*) FROM team_members WHERE role = 'org:owner'")
            .await,
        1
    );
    assert_eq!(past.number("SELECT count(*) FROM team_members").await, 12);
}
