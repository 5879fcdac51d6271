//! Transactions of members that block each other: a race costs no request at any isolation level, and a locked user or
//! organization costs its own new memberships alone.

use std::time::Duration;

use clerk_auth::id::{OrganizationId, UserId};
use clerk_auth::sync::SyncError;
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use futures_util::future::join_all;
use sqlx::AssertSqlSafe;

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
    locked_row_costs_its_new_memberships_alone("teams", "org_ada", |new| {
        [format!("user_{new}"), "org_ada".to_owned()]
    })
    .await;
}

#[tokio::test]
async fn locked_user_costs_new_memberships_of_that_user_alone() {
    locked_row_costs_its_new_memberships_alone("people", "user_ada", |new| {
        ["user_ada".to_owned(), format!("org_{new}")]
    })
    .await;
}

/// Locks the row of ada or of ada's organization. `new` returns the ids of a new membership that references it.
async fn locked_row_costs_its_new_memberships_alone(
    table: &str,
    id: &str,
    new: impl Fn(usize) -> [String; 2],
) {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 2).await;
    create_tables(&past).await;
    let process = Process::with_timeout(Pool::open(database.url(), 4).await, timeout).await;
    let sync = async |[user, organization]: [String; 2]| {
        let rows = process.member(member(&user, &organization, "org:member")).await;
        rows.map(|rows| rows.expect("active"))
    };
    let ada = || ["user_ada", "org_ada"].map(str::to_owned);
    sync(ada()).await.expect("it syncs");
    let mut held = past.postgres().begin().await.expect("it begins");
    let lock = format!("SELECT 1 FROM {table} WHERE clerk_id = '{id}' FOR UPDATE");
    let locked = sqlx::query(AssertSqlSafe(lock)).execute(&mut *held).await;
    assert_eq!(locked.expect("it is locked").rows_affected(), 1);
    // More attempts than the failures that open the circuit breaker, each with more members than the pool has
    // connections.
    for attempt in 0..6 {
        let locked = (0..12).map(|number| sync(new(12 * attempt + number)));
        let others = async {
            sync(ada()).await.expect("the rows are read");
            let free = [format!("user_free_{attempt}"), "org_free".to_owned()];
            sync(free).await.expect("other rows are not locked");
        };
        let (locked, ()) = tokio::join!(join_all(locked), others);
        for locked in locked {
            assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
        }
    }
    held.rollback().await.expect("it ends");
    sync(new(0)).await.expect("the row is not locked any longer");
}

/// A backfill locks the rows of all tables. They share the connections that may wait for locks.
#[tokio::test]
async fn locked_rows_of_all_tables_cost_their_own_members_alone() {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 2).await;
    create_tables(&past).await;
    let process = Process::with_timeout(Pool::open(database.url(), 4).await, timeout).await;
    let sync = async |user: usize, organization: &str, name: &str, role: &str| {
        let token = member(&format!("user_{user}"), organization, role);
        let version = process.people.clock.now().as_secs();
        let token = token
            .claim("name", format!("{name} {user}"))
            .claim("updatedAt", version);
        process.member(token).await.map(|rows| rows.expect("active"))
    };
    for user in 0..24 {
        let synced = sync(user, "org_ada", "Old", "org:member").await;
        synced.expect("it syncs");
    }
    process.people.clock.advance(Duration::from_secs(2));
    let mut held = past.postgres().begin().await.expect("it begins");
    for table in ["people", "teams", "team_members"] {
        let lock = format!("SELECT 1 FROM {table} FOR UPDATE");
        let locked = sqlx::query(AssertSqlSafe(lock)).execute(&mut *held).await;
        assert!(locked.expect("they are locked").rows_affected() > 0);
    }
    for attempt in 0..4 {
        let locked = (0..24).map(|user| match user % 3 {
            0 => sync(user, "org_ada", "New", "org:member"),
            1 => sync(user, "org_ada", "Old", "org:admin"),
            _ => sync(100 + user, "org_ada", "New", "org:member"),
        });
        let others = async {
            for number in 0..3 {
                let user = 1_000 + 10 * attempt + number;
                let free = sync(user, "org_free", "New", "org:member").await;
                free.unwrap_or_else(|error| panic!("{attempt}, {number}: {error}"));
            }
        };
        let (locked, ()) = tokio::join!(join_all(locked), others);
        for locked in locked {
            assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
        }
    }
    held.rollback().await.expect("it ends");
    for user in 0..24 {
        let synced = sync(user, "org_ada", "Free", "org:admin").await;
        synced.expect("the rows are not locked any longer");
    }
}

/// The application ends more memberships at once than the pool has connections, and their rows are locked.
#[tokio::test]
async fn end_of_locked_memberships_costs_no_other_member() {
    const MEMBERS: usize = 12;
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 2).await;
    create_tables(&past).await;
    let process = Process::with_timeout(Pool::open(database.url(), 4).await, timeout).await;
    let sync = async |user: &str, organization: &str| {
        let rows = process.member(member(user, organization, "org:member")).await;
        rows.map(|rows| rows.expect("active"))
    };
    let users: Vec<String> = (0..MEMBERS).map(|number| format!("user_{number}")).collect();
    for user in &users {
        sync(user, "org_ada").await.expect("it syncs");
    }
    let ada = OrganizationId::new("org_ada");
    let end = async |user: &String| {
        process
            .people
            .users
            .end_membership(&UserId::new(user.as_str()), &ada)
            .await
    };
    let mut held = past.postgres().begin().await.expect("it begins");
    let locked = sqlx::query("SELECT 1 FROM team_members FOR UPDATE")
        .execute(&mut *held)
        .await;
    assert!(locked.expect("they are locked").rows_affected() > 0);
    for attempt in 0..3 {
        let ends = users.iter().map(&end);
        let others = async {
            for number in 0..3 {
                let free = sync(&format!("user_free_{attempt}_{number}"), "org_free").await;
                free.unwrap_or_else(|error| panic!("{attempt}, {number}: {error}"));
            }
        };
        let (ends, ()) = tokio::join!(join_all(ends), others);
        for end in ends {
            assert!(matches!(end, Err(SyncError::Busy(_))), "{attempt}: {end:?}");
        }
    }
    held.rollback().await.expect("it ends");
    for user in &users {
        end(user).await.expect("the rows are not locked any longer");
    }
}
