//! Tests that the first statement inserts a user who has just signed up, and on PostgreSQL also reads the row. In every
//! other case, the outcome is that of two statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clerk_auth::SyncedRow;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted, Unchanged, Updated};
use clerk_auth::testing::SessionToken;
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Member, Pool, Profiles, token};
use futures_util::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Postgres, Sqlite};

use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    first_requests_of_two_processes_make_one_row,
    existing_row_is_not_written,
    row_is_kept_for_the_next_request,
    taken_email_does_not_block_sign_in,
    hook_runs_in_the_transaction_of_the_insertion,
    deleted_user_is_not_recreated,
);

/// Creates a token of a user who signed up half a minute ago, and was changed this many seconds later.
fn newcomer(user_id: &str, name: &str, later: i64) -> SessionToken<'static> {
    token(user_id, name, SystemClock.now().as_secs() - 30 + later)
}

async fn start(database: &TestDatabase) -> Profiles {
    Profiles::start_on(Pool::open(database.url(), 2).await).await
}

async fn first_requests_of_two_processes_make_one_row(database: TestDatabase) {
    let processes = [Profiles::start(&database).await, Profiles::start(&database).await];
    for user in 0..20 {
        let user_id = format!("user_{user}");
        let mut sessions = Vec::new();
        for process in &processes {
            sessions.push((process, process.session(newcomer(&user_id, "Ada", 0)).await));
        }
        let requests = (0..10).flat_map(|_| {
            sessions
                .iter()
                .map(|(process, session)| process.users.sync(session))
        });
        let synced = join_all(requests).await;
        let rows: Vec<_> = synced.into_iter().map(|it| it.expect("it syncs")).collect();
        let inserted = rows.iter().filter(|row| row.outcome == Inserted);
        assert_eq!(inserted.count(), 1, "{rows:?}");
        assert!(rows.iter().all(|row| row.user == rows[0].user), "{rows:?}");
    }
    assert_eq!(
        processes[0].pool.number("SELECT count(*) FROM profiles").await,
        20
    );
}

/// The request does not even use a value of the sequence of the ids.
async fn existing_row_is_not_written(database: TestDatabase) {
    let profiles = Profiles::always_read(Pool::open(database.url(), 2).await).await;
    // All tokens have one time, for any duration of the test, because sync stores a newer version.
    let signed_up = SystemClock.now().as_secs() - 30;
    profiles
        .sync(token("user_ada", "Ada", signed_up))
        .await
        .expect("it syncs");
    // SQLite's number changes when another connection has written anything to the file.
    let one = Pool::open(database.url(), 1).await;
    let traces = async || {
        if database.is_sqlite() {
            return one.number("PRAGMA data_version").await.to_string();
        }
        let traces = "SELECT concat_ws(' ', ctid, profiles.xmin, profiles.xmax, last_value) \
                      FROM profiles, pg_sequences WHERE sequencename = 'profiles_id_seq'";
        one.text(traces).await.expect("there is a row")
    };
    let before = traces().await;
    for _ in 0..5 {
        // A process without an earlier request of the user.
        let process = Profiles::always_read(profiles.pool.clone()).await;
        let synced = process.sync(token("user_ada", "Ada", signed_up)).await;
        assert_eq!(synced.expect("it syncs").outcome, Unchanged);
    }
    assert_eq!(traces().await, before);
    let changed = profiles.sync(token("user_ada", "Grace", signed_up + 5)).await;
    assert_eq!(changed.expect("it syncs").outcome, Updated);
    assert_ne!(traces().await, before, "what is looked for is found");
}

async fn row_is_kept_for_the_next_request(database: TestDatabase) {
    let one = start(&database).await;
    wait_until_listening(&one).await;
    let session = one.session(newcomer("user_ada", "Ada", 0)).await;
    for expected in [Inserted, Cached] {
        assert_eq!(
            one.users.sync(&session).await.expect("it syncs").outcome,
            expected
        );
    }
    let other = start(&database).await;
    wait_until_listening(&other).await;
    for expected in [Unchanged, Cached] {
        assert_eq!(
            other.users.sync(&session).await.expect("it syncs").outcome,
            expected
        );
    }
}

async fn taken_email_does_not_block_sign_in(database: TestDatabase) {
    const INDEX: &str = "CREATE UNIQUE INDEX profiles_email ON profiles (email)";
    const DEFERRED: &str =
        "ALTER TABLE profiles ADD CONSTRAINT profiles_email UNIQUE (email) DEFERRABLE INITIALLY DEFERRED";
    let profiles = start(&database).await;
    for (unique, [old, new]) in [
        (INDEX, ["user_old", "user_new"]),
        (DEFERRED, ["user_older", "user_newer"]),
    ] {
        if unique == DEFERRED {
            if database.is_sqlite() {
                return;
            }
            profiles.pool.execute("DELETE FROM profiles").await;
            profiles.pool.execute("DROP INDEX profiles_email").await;
        }
        profiles.pool.execute(unique).await;
        for (user_id, later) in [(old, 0), (new, 1)] {
            let token = newcomer(user_id, "Ada", later).claim("email", "shared@example.com");
            let synced = profiles.sync(token).await.expect("no user is locked out");
            assert_eq!(
                (synced.outcome, synced.user.email.as_deref()),
                (Inserted, Some("shared@example.com")),
                "{unique}"
            );
        }
        let without = format!("SELECT count(*) FROM profiles WHERE email IS NULL AND clerk_id = '{old}'");
        assert_eq!(profiles.pool.number(&without).await, 1, "{unique}");
    }
}

async fn hook_runs_in_the_transaction_of_the_insertion(database: TestDatabase) {
    let calls = Arc::new(AtomicUsize::new(0));
    macro_rules! fails_at_first {
        () => {
            |builder| {
                let calls = Arc::clone(&calls);
                builder.on_insert(move |_, _| {
                    let call = calls.fetch_add(1, Ordering::SeqCst);
                    Box::pin(async move {
                        (call > 0)
                            .then_some(())
                            .ok_or("the mail server is down".into())
                    })
                })
            }
        };
    }
    let pool = Pool::open(database.url(), 2).await;
    let profiles = Profiles::start_with(pool, fails_at_first!(), fails_at_first!()).await;
    let session = profiles.session(newcomer("user_ada", "Ada", 0)).await;
    let failed = profiles.users.sync(&session).await;
    assert!(matches!(failed, Err(SyncError::OnInsert(_))), "{failed:?}");
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 0);
    let synced = profiles.users.sync(&session).await.expect("it syncs");
    assert_eq!((synced.outcome, calls.load(Ordering::SeqCst)), (Inserted, 2));
}

async fn deleted_user_is_not_recreated(database: TestDatabase) {
    let profiles = start(&database).await;
    let session = profiles.session(newcomer("user_ada", "Ada", 0)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    profiles
        .pool
        .execute("UPDATE profiles SET clerk_deleted_at = CURRENT_TIMESTAMP")
        .await;
    profiles
        .users
        .invalidate(session.user_id())
        .await
        .expect("other processes are notified");
    let gone = profiles.users.sync(&session).await;
    assert!(matches!(gone, Err(SyncError::UserDeleted)), "{gone:?}");

    let members = if database.is_sqlite() {
        Member::migration_sql::<Sqlite>()
    } else {
        Member::migration_sql::<Postgres>()
    };
    profiles.pool.execute(&members).await;
    let members = Profiles::<Member>::of_table(profiles.pool, |builder| builder, |builder| builder).await;
    members
        .pool
        .execute("INSERT INTO former_members (clerk_id) VALUES ('user_ada')")
        .await;
    let gone = members.users.sync(&session).await;
    assert!(matches!(gone, Err(SyncError::UserDeleted)), "{gone:?}");
    assert_eq!(members.pool.number("SELECT count(*) FROM members").await, 0);
}

/// A read-only server, for example after a failover, still serves existing rows.
#[tokio::test]
async fn read_only_server_still_serves_existing_rows() {
    let database = TestDatabase::postgres().await;
    let profiles = start(&database).await;
    let session = profiles.session(newcomer("user_ada", "Ada", 0)).await;
    profiles.users.sync(&session).await.expect("it syncs");

    let options: PgConnectOptions = database.url().parse().expect("the URL is right");
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let reading = Profiles::<AlwaysRead>::always_read(Pool::Postgres(pool)).await;
    let name = reading.pool.text("SELECT quote_ident(current_database())").await;
    let name = name.expect("it has a name");
    profiles
        .pool
        .execute(&format!(
            "ALTER DATABASE {name} SET default_transaction_read_only = on"
        ))
        .await;
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    profiles.pool.number(others).await;
    let synced = reading.users.sync(&session).await.expect("it is read");
    assert_eq!(synced.outcome, Unchanged);
    let stranger = reading.sync(newcomer("user_eve", "Eve", 0)).await;
    assert!(matches!(stranger, Err(SyncError::Database(_))), "{stranger:?}");
}

/// An insertion would wait for another that is not committed, although it has nothing to insert.
#[tokio::test]
async fn existing_user_does_not_wait_for_a_writer() {
    let database = TestDatabase::sqlite();
    let profiles = Profiles::always_read(Pool::open(database.url(), 2).await).await;
    let session = profiles.session(newcomer("user_ada", "Ada", 0)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    let Pool::Sqlite(others) = Pool::open(database.url(), 1).await else {
        unreachable!("it is SQLite's");
    };
    let writing = others.begin_with("BEGIN IMMEDIATE").await.expect("nobody writes");
    let synced = profiles.users.sync(&session).await.expect("it is read");
    assert_eq!(synced.outcome, Unchanged);
    drop(writing);
}
