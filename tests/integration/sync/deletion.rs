//! Tests that a deleted user stays deleted, also with a token that is still valid. The application's data of the user
//! is removed with the row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clerk_auth::Session;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::id::UserId;
use clerk_auth::row::{StoredIn, SyncedRow, SyncedUser};
use clerk_auth::sync::SyncOutcome::{Cached, Inserted};
use clerk_auth::sync::{Deletion, SyncError};
use clerk_auth::token::Refusal;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Member, Pool, Profile, Profiles, token};
use futures_util::future::{join_all, join3};
use tokio::sync::Semaphore;
use tokio::time::sleep;

on_both_databases!(
    valid_token_of_a_deleted_user_is_refused_and_recreates_no_row,
    deleted_user_without_a_row_is_remembered_by_tombstones,
    applications_rows_go_with_the_users,
    hook_that_fails_deletes_nothing_and_the_next_try_works,
    deletions_at_once_run_the_hook_once,
    requests_at_the_time_of_a_deletion_leave_nothing_behind,
    leftover_row_is_deleted_at_the_next_request,
);

/// A row of either kind of table.
trait Person: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite> + Clone + std::fmt::Debug {
    /// True if deleted users lose their row and are recorded in another table.
    const HAS_TOMBSTONES: bool;

    fn id(&self) -> i64;
}

impl Person for Profile {
    const HAS_TOMBSTONES: bool = false;

    fn id(&self) -> i64 {
        self.id
    }
}

impl Person for Member {
    const HAS_TOMBSTONES: bool = true;

    fn id(&self) -> i64 {
        self.id
    }
}

/// Opens a database with the struct's table, and carts that reference its rows.
async fn open<U: Person>(database: &TestDatabase) -> Pool {
    let pool = Pool::open(database.url(), 5).await;
    if U::HAS_TOMBSTONES {
        let tables = match pool {
            Pool::Postgres(_) => U::migration_sql::<sqlx::Postgres>(),
            Pool::Sqlite(_) => U::migration_sql::<sqlx::Sqlite>(),
        };
        pool.execute(&tables).await;
    }
    let table = <U as SyncedRow>::TABLE;
    pool.execute(&format!(
        "CREATE TABLE carts (user_id BIGINT NOT NULL REFERENCES {table} (id))"
    ))
    .await;
    pool.execute("CREATE TABLE events (kind TEXT NOT NULL)").await;
    pool
}

/// Starts a process that creates a cart for each new user and removes it with the user, or fails afterwards.
async fn start<U: Person>(pool: Pool, fails: &Arc<AtomicBool>) -> Profiles<U> {
    macro_rules! with_carts {
        () => {{
            let fails = Arc::clone(fails);
            move |builder| {
                builder
                    .sync_timeout(Duration::from_secs(30)) // for slow machines
                    .on_insert(|connection, user| {
                        Box::pin(async move {
                            sqlx::query("INSERT INTO carts (user_id) VALUES ($1)")
                                .bind(user.id())
                                .execute(&mut *connection)
                                .await?;
                            sqlx::query("INSERT INTO events (kind) VALUES ('inserted')")
                                .execute(connection)
                                .await?;
                            Ok(())
                        })
                    })
                    .on_delete(move |connection, user| {
                        let fails = Arc::clone(&fails);
                        Box::pin(async move {
                            sqlx::query("DELETE FROM carts WHERE user_id = $1")
                                .bind(user.id())
                                .execute(&mut *connection)
                                .await?;
                            sqlx::query("INSERT INTO events (kind) VALUES ('deleted')")
                                .execute(connection)
                                .await?;
                            if fails.load(Ordering::SeqCst) {
                                return Err("the mail server is down".into());
                            }
                            Ok(())
                        })
                    })
            }
        }};
    }
    Profiles::<U>::of_table(pool, with_carts!(), with_carts!()).await
}

async fn delete<U: Person>(profiles: &Profiles<U>, user_id: &str) -> Deletion {
    let deletion = profiles.users.delete(&UserId::new(user_id)).await;
    deletion.expect("the user can be deleted")
}

/// Returns how many rows a user has.
async fn rows<U: Person>(pool: &Pool, user_id: &str) -> i64 {
    let table = <U as SyncedRow>::TABLE;
    pool.number(&format!(
        "SELECT count(*) FROM {table} WHERE clerk_id = '{user_id}'"
    ))
    .await
}

async fn events(pool: &Pool, kind: &str) -> i64 {
    pool.number(&format!("SELECT count(*) FROM events WHERE kind = '{kind}'"))
        .await
}

async fn assert_gone<U: Person>(profiles: &Profiles<U>, session: &Session) {
    let synced = profiles.users.sync(session).await;
    assert!(matches!(synced, Err(SyncError::UserDeleted)), "{synced:?}");
}

/// Waits until a process serves a row from memory: on PostgreSQL, until it receives notifications.
async fn wait_until_cached<U: Person>(profiles: &Profiles<U>, session: &Session) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while profiles.users.sync(session).await.expect("it syncs").outcome != Cached {
        assert!(Instant::now() < deadline, "no row is kept");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a process has received the notification of a deletion.
async fn gone<U: Person>(profiles: &Profiles<U>, session: &Session) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while profiles.users.sync(session).await.is_ok() {
        assert!(Instant::now() < deadline, "the old row is served");
        sleep(Duration::from_millis(2)).await;
    }
    assert_gone(profiles, session).await;
}

async fn valid_token_of_a_deleted_user_is_refused_and_recreates_no_row(database: TestDatabase) {
    async fn of<U: Person>(database: TestDatabase) {
        let pool = open::<U>(&database).await;
        let one = start::<U>(pool.clone(), &Arc::default()).await;
        let session = one.session(token("user_ada", "Ada", 7)).await;
        wait_until_cached(&one, &session).await;
        let mut other = None;
        if !database.is_sqlite() {
            let process = start::<U>(pool.clone(), &Arc::default()).await;
            wait_until_cached(&process, &session).await;
            other = Some(process);
        }

        assert_eq!(delete(&one, "user_ada").await, Deletion::Deleted);
        assert_gone(&one, &session).await;
        if let Some(other) = &other {
            gone(other, &session).await;
        }
        for newer in [token("user_ada", "Ada", 7), token("user_ada", "Grace", 9)] {
            let refused = one.authenticate(newer).await;
            let expected = AuthenticationError::Refused(Refusal::UserDeleted);
            assert_eq!(refused.map(drop), Err(expected));
        }
        let left = i64::from(!U::HAS_TOMBSTONES);
        assert_eq!(rows::<U>(&pool, "user_ada").await, left);
        assert_eq!(delete(&one, "user_ada").await, Deletion::AlreadyDeleted);
        assert_eq!(rows::<U>(&pool, "user_ada").await, left);

        let bob = one.sync(token("user_bob", "Bob", 7)).await.expect("it syncs");
        assert_eq!(bob.outcome, Inserted);
    }
    of::<Profile>(database.another().await).await;
    of::<Member>(database).await;
}

async fn deleted_user_without_a_row_is_remembered_by_tombstones(database: TestDatabase) {
    let pool = open::<Member>(&database).await;
    let members = start::<Member>(pool.clone(), &Arc::default()).await;
    let session = members.session(token("user_ada", "Ada", 7)).await;
    assert_eq!(delete(&members, "user_ada").await, Deletion::NoRow);
    for _ in 0..2 {
        assert_gone(&members, &session).await;
    }
    // The tombstone still refuses the user after the denial has expired.
    pool.execute("DELETE FROM clerk_denials").await;
    let later = start::<Member>(pool.clone(), &Arc::default()).await;
    assert_gone(&later, &later.session(token("user_ada", "Ada", 7)).await).await;
    assert_eq!(delete(&members, "user_ada").await, Deletion::AlreadyDeleted);
    assert_eq!(rows::<Member>(&pool, "user_ada").await, 0);
    assert_eq!(events(&pool, "inserted").await, 0);
    assert_eq!(pool.number("SELECT count(*) FROM former_members").await, 1);

    // Without tombstones, the denial refuses the user for the longest lifetime of a token.
    let profiles = Profiles::start_on(pool.clone()).await;
    let session = profiles.session(token("user_eve", "Eve", 7)).await;
    assert_eq!(delete(&profiles, "user_eve").await, Deletion::NoRow);
    assert_gone(&profiles, &session).await;
    let restarted = Profiles::start_on(pool.clone()).await;
    let refused = restarted.authenticate(token("user_eve", "Eve", 7)).await;
    let expected = AuthenticationError::Refused(Refusal::UserDeleted);
    assert_eq!(refused.map(drop), Err(expected));
    assert_eq!(pool.number("SELECT count(*) FROM profiles").await, 0);
}

async fn applications_rows_go_with_the_users(database: TestDatabase) {
    let pool = open::<Member>(&database).await;
    let members = start::<Member>(pool.clone(), &Arc::default()).await;
    for user_id in ["user_ada", "user_bob"] {
        members.sync(token(user_id, "Ada", 7)).await.expect("it syncs");
    }
    assert_eq!(delete(&members, "user_ada").await, Deletion::Deleted);
    assert_eq!(pool.number("SELECT count(*) FROM carts").await, 1);

    // Without the hook, the foreign key prevents the deletion.
    let without = Profiles::<Member>::of_table(pool.clone(), |builder| builder, |builder| builder).await;
    let refused = without.users.delete(&UserId::new("user_bob")).await;
    assert!(matches!(refused, Err(SyncError::Database(_))), "{refused:?}");
    assert_eq!(rows::<Member>(&pool, "user_bob").await, 1);
    members
        .sync(token("user_bob", "Bob", 9))
        .await
        .expect("nobody was deleted");
}

async fn hook_that_fails_deletes_nothing_and_the_next_try_works(database: TestDatabase) {
    async fn of<U: Person>(database: TestDatabase) {
        let pool = open::<U>(&database).await;
        let fails = Arc::new(AtomicBool::new(true));
        let profiles = start::<U>(pool.clone(), &fails).await;
        let session = profiles.session(token("user_ada", "Ada", 7)).await;
        profiles.users.sync(&session).await.expect("it syncs");
        for _ in 0..2 {
            let failed = profiles.users.delete(&UserId::new("user_ada")).await;
            assert!(matches!(failed, Err(SyncError::OnDelete(_))), "{failed:?}");
        }
        profiles.users.sync(&session).await.expect("nobody was deleted");
        assert_eq!(pool.number("SELECT count(*) FROM carts").await, 1);
        assert_eq!(events(&pool, "deleted").await, 0);

        fails.store(false, Ordering::SeqCst);
        assert_eq!(delete(&profiles, "user_ada").await, Deletion::Deleted);
        assert_gone(&profiles, &session).await;
        assert_eq!(pool.number("SELECT count(*) FROM carts").await, 0);
        assert_eq!(events(&pool, "deleted").await, 1);
    }
    of::<Profile>(database.another().await).await;
    of::<Member>(database).await;
}

async fn deletions_at_once_run_the_hook_once(database: TestDatabase) {
    async fn of<U: Person>(database: TestDatabase) {
        let pool = open::<U>(&database).await;
        let one = start::<U>(pool.clone(), &Arc::default()).await;
        let other = start::<U>(pool.clone(), &Arc::default()).await;
        for round in 0..10 {
            let user_id = format!("user_{round}");
            one.sync(token(&user_id, "Ada", 7)).await.expect("it syncs");
            let deletions =
                join_all((0..5).flat_map(|_| [delete(&one, &user_id), delete(&other, &user_id)])).await;
            let count = |expected| deletions.iter().filter(|it| **it == expected).count();
            assert_eq!(
                (count(Deletion::Deleted), count(Deletion::AlreadyDeleted)),
                (1, 9)
            );
            assert_eq!(events(&pool, "deleted").await, round + 1);
        }
    }
    of::<Profile>(database.another().await).await;
    of::<Member>(database).await;
}

async fn requests_at_the_time_of_a_deletion_leave_nothing_behind(database: TestDatabase) {
    async fn of<U: Person>(database: TestDatabase) {
        const ROUNDS: usize = 30;
        let pool = open::<U>(&database).await;
        let mut processes = vec![start::<U>(pool.clone(), &Arc::default()).await];
        if !database.is_sqlite() {
            // A separate pool leaves the connections of the first to the requests.
            let pool = Pool::open(database.url(), 5).await;
            processes.push(start::<U>(pool, &Arc::default()).await);
        }
        let mut deleted = 0;
        for round in 0..ROUNDS {
            let user_id = format!("user_{round}");
            let one = &processes[0];
            if round % 2 == 1 {
                one.sync(token(&user_id, "Old", 5)).await.expect("it syncs");
            }
            let session = one.session(token(&user_id, "Ada", 7)).await;
            let mut requests: Vec<_> = (0..50)
                .map(|number| processes[number % processes.len()].users.sync(&session))
                .collect();
            let later = requests.split_off(round * requests.len() / ROUNDS);
            let (early, deletion, late) =
                join3(join_all(requests), delete(one, &user_id), join_all(later)).await;
            for synced in early.into_iter().chain(late) {
                assert!(
                    matches!(synced, Ok(_) | Err(SyncError::UserDeleted)),
                    "{synced:?}"
                );
            }
            deleted += i64::from(deletion == Deletion::Deleted);
            if U::HAS_TOMBSTONES {
                assert_eq!(rows::<U>(&pool, &user_id).await, 0, "round {round}: {deletion:?}");
            } else if deletion == Deletion::NoRow {
                continue;
            }
            for process in &processes {
                gone(process, &session).await;
            }
        }
        if U::HAS_TOMBSTONES {
            // The hook ran for each inserted row, also for the rows that a race had admitted.
            assert_eq!(events(&pool, "inserted").await, events(&pool, "deleted").await);
            assert_eq!(pool.number("SELECT count(*) FROM carts").await, 0);
        } else {
            assert_eq!(events(&pool, "deleted").await, deleted);
        }
    }
    of::<Profile>(database.another().await).await;
    of::<Member>(database).await;
}

async fn leftover_row_is_deleted_at_the_next_request(database: TestDatabase) {
    let pool = open::<Member>(&database).await;
    let fails = Arc::new(AtomicBool::new(true));
    let members = start::<Member>(pool.clone(), &fails).await;
    members.sync(token("user_ada", "Ada", 7)).await.expect("it syncs");
    // The state that a process leaves if it stops between an insertion and its read of the tombstones.
    pool.execute("INSERT INTO former_members (clerk_id) VALUES ('user_ada')")
        .await;
    let session = members.session(token("user_ada", "Grace", 9)).await;
    assert_gone(&members, &session).await;
    assert_eq!(rows::<Member>(&pool, "user_ada").await, 1, "its hook failed");
    fails.store(false, Ordering::SeqCst);
    assert_gone(&members, &session).await;
    assert_eq!(rows::<Member>(&pool, "user_ada").await, 0);
    assert_eq!(pool.number("SELECT count(*) FROM carts").await, 0);
}

#[tokio::test]
async fn concurrent_insertion_is_undone_by_the_deletion() {
    let database = TestDatabase::postgres().await;
    let pool = open::<Member>(&database).await;
    let (inserting, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let hook = {
        let (inserting, go_on) = (Arc::clone(&inserting), Arc::clone(&go_on));
        move |builder: clerk_auth::sync::UserSyncBuilder<Member, sqlx::PgPool>| {
            builder.on_insert(move |_, _| {
                let (inserting, go_on) = (Arc::clone(&inserting), Arc::clone(&go_on));
                Box::pin(async move {
                    inserting.add_permits(1);
                    go_on.acquire().await?.forget();
                    Ok(())
                })
            })
        }
    };
    let members = Profiles::<Member>::of_table(pool.clone(), hook, |builder| builder).await;
    let session = members.session(token("user_ada", "Ada", 7)).await;
    let deletion = async {
        inserting.acquire().await.expect("the hook is there").forget();
        // The insertion of the row is not committed, so the deletion finds no row.
        assert_eq!(delete(&members, "user_ada").await, Deletion::NoRow);
        go_on.add_permits(1);
    };
    let (synced, ()) = tokio::join!(members.users.sync(&session), deletion);
    assert!(matches!(synced, Err(SyncError::UserDeleted)), "{synced:?}");
    assert_eq!(rows::<Member>(&pool, "user_ada").await, 0);
}

#[tokio::test]
async fn write_that_waited_for_the_deletion_is_undone() {
    let database = TestDatabase::postgres().await;
    let pool = open::<Member>(&database).await;
    let members = start::<Member>(pool.clone(), &Arc::default()).await;
    members.sync(token("user_ada", "Ada", 7)).await.expect("it syncs");
    let connections = pool.postgres();
    let mut deletion = connections.begin().await.expect("a transaction begins");
    for sql in [
        "INSERT INTO former_members (clerk_id) VALUES ('user_ada')",
        "DELETE FROM carts",
        "DELETE FROM members",
    ] {
        sqlx::query(sql).execute(&mut *deletion).await.expect(sql);
    }
    let session = members.session(token("user_ada", "Grace", 9)).await;
    let commit = async {
        let deadline = Instant::now() + Duration::from_secs(10);
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while pool.number(waiting).await == 0 {
            assert!(Instant::now() < deadline, "nobody waits for the deletion");
            sleep(Duration::from_millis(2)).await;
        }
        deletion.commit().await.expect("it commits");
    };
    let (synced, ()) = tokio::join!(members.users.sync(&session), commit);
    assert!(matches!(synced, Err(SyncError::UserDeleted)), "{synced:?}");
    assert_eq!(rows::<Member>(&pool, "user_ada").await, 0);
    assert_eq!(pool.number("SELECT count(*) FROM carts").await, 0);
}
