//! Transactions of members that block each other: a race costs no request at any isolation level, and a locked organization
//! costs its own new members alone.

use std::time::{Duration, Instant};

use clerk_auth::sync::SyncError;
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use futures_util::future::join_all;

use super::together::{Process, create_tables, member};

const USERS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_costs_no_member_at_any_isolation_level() {
    for level in ["read committed", "repeatable read", "serializable"] {
        let database = TestDatabase::postgres().await;
        let past = Pool::open(database.url(), 1).await;
        create_tables(&past).await;
        past.set_default_isolation(level).await;
        let mut processes = Vec::new();
        for _ in 0..3 {
            processes.push(Process::start(Pool::open(database.url(), 4).await).await);
        }
        // New users and organizations at once, then changed claims of the same members by all processes at once.
        for round in 0..4 {
            let requests = (0..6 * USERS).map(async |number| {
                let process = &processes[number % 3];
                let (user, organization) = (number / 3 % USERS, number / 3 / USERS);
                let role = format!("org:role_{round}");
                let token = member(&format!("user_{user}"), &format!("org_{organization}"), &role);
                let version = process.people.clock.now().as_secs() + round;
                let token = token
                    .claim("name", format!("{user} {round}"))
                    .claim("updatedAt", version);
                let rows = process.member(token).await;
                rows.unwrap_or_else(|error| panic!("{level}, {user} of {organization}: {error}"))
                    .expect("active");
            });
            join_all(requests).await;
            for process in &processes {
                process.people.clock.advance(Duration::from_secs(2));
            }
        }
        for (table, rows) in [("people", 5), ("teams", 2), ("team_members", 10)] {
            let sql = format!("SELECT count(*) FROM {table}");
            assert_eq!(past.number(&sql).await, rows, "{level}: {table}");
        }
        let newest = "SELECT count(*) FROM team_members WHERE role = 'org:role_3'";
        assert_eq!(past.number(newest).await, 10, "{level}");
    }
}

#[tokio::test]
async fn locked_organization_costs_its_new_members_alone() {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 2).await;
    create_tables(&past).await;
    let process = Process::with_timeout(Pool::open(database.url(), 4).await, timeout).await;
    let sync = async |user: &str, organization: &str| {
        let rows = process.member(member(user, organization, "org:member")).await;
        rows.map(|rows| rows.expect("active"))
    };
    for organization in ["org_locked", "org_free"] {
        sync("user_ada", organization).await.expect("it syncs");
    }
    let pool = past.postgres();
    let mut held = pool.begin().await.expect("it begins");
    sqlx::query("SELECT 1 FROM teams WHERE clerk_id = 'org_locked' FOR UPDATE")
        .execute(&mut *held)
        .await
        .expect("it is locked");
    // More often than the breaker admits failures, and more often than the pool has connections.
    for attempt in 0..6 {
        let (new, another) = (format!("user_{attempt}"), format!("user_another_{attempt}"));
        let free = format!("user_free_{attempt}");
        let locked = async { tokio::join!(sync(&new, "org_locked"), sync(&another, "org_locked")) };
        let others = async {
            let began = Instant::now();
            sync("user_ada", "org_locked").await.expect("the rows are read");
            sync(&free, "org_free")
                .await
                .expect("another organization is free");
            assert!(began.elapsed() < timeout, "{:?}", began.elapsed());
        };
        let (locked, ()) = tokio::join!(locked, others);
        for locked in [locked.0, locked.1] {
            assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
        }
    }
    held.rollback().await.expect("it ends");
    sync("user_0", "org_locked")
        .await
        .expect("the organization is free");
}
