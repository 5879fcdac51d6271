//! Counts the round trips of a request to PostgreSQL on the wire. One: an existing user, a fresh sign-up, and a new user
//! after another. Two: any other new user, and changed claims.

use std::time::Duration;

use clerk_auth::Session;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome::{self, Inserted, Unchanged, Updated};
use clerk_auth::sync::UserSyncBuilder;
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use clerk_auth_tests::proxy::{Bytes, Proxy};
use futures_util::future::join_all;
use sqlx::{PgPool, Postgres};

const USERS: usize = 20;

/// A pool of one connection, so that nothing overlaps. The connection is open before the handle connects to listen.
struct Counted {
    proxy: Proxy,
    profiles: Profiles<AlwaysRead>,
}

impl Counted {
    async fn start(database: &TestDatabase) -> Self {
        let proxy = Proxy::to(database.server_address());
        let pool = Pool::open(&database.url_through(proxy.address()), 1).await;
        // Denials are read once a second at most, and not for a request.
        let profiles = Profiles::of_table(
            pool,
            UserSyncBuilder::denials_in_memory,
            UserSyncBuilder::denials_in_memory,
        );
        let profiles = profiles.await;
        Self { proxy, profiles }
    }

    async fn sessions(&self, user: &str, name: &str, updated_at: i64) -> Vec<Session> {
        let mut sessions = Vec::new();
        for number in 0..USERS {
            let token = token(&format!("{user}_{number}"), name, updated_at);
            sessions.push(self.profiles.session(token).await);
        }
        sessions
    }

    /// Prepares each statement, which happens once per connection.
    async fn prepare(&self, user: &str, updated_at: i64) {
        for (name, updated_at, outcome) in [("Ada", updated_at, Inserted), ("Grace", updated_at + 1, Updated)]
        {
            let sessions = self.sessions(user, name, updated_at).await;
            self.sync(&sessions, outcome).await;
        }
    }

    async fn sync(&self, sessions: &[Session], outcome: SyncOutcome) {
        for session in sessions {
            let synced = self.profiles.users.sync(session).await.expect("it syncs");
            assert_eq!(synced.outcome, outcome);
        }
    }

    fn pool(&self) -> &PgPool {
        match &self.profiles.pool {
            Pool::Postgres(pool) => pool,
            Pool::Sqlite(_) => unreachable!("it is PostgreSQL's"),
        }
    }

    /// Acquires and returns a connection, for which the pool checks that it is alive.
    async fn acquire(&self) {
        let pool = self.pool();
        for _ in 0..USERS {
            drop(pool.acquire().await.expect("it is free"));
        }
    }

    /// Returns the round trips of the work, until the connection was returned.
    async fn asked(&self, work: impl Future<Output = ()>) -> usize {
        let pool = self.pool();
        let held = pool.acquire().await.expect("it is free");
        let before = self.proxy.sent();
        drop(held);
        work.await;
        let held = pool.acquire().await.expect("it is free");
        let asked = self.proxy.sent() - before;
        drop(held);
        usize::try_from(asked).expect("a count")
    }

    /// Returns the bytes of the work, until the connection was returned.
    async fn sent(&self, work: impl Future<Output = ()>) -> Bytes {
        let pool = self.pool();
        let held = pool.acquire().await.expect("it is free");
        drop(self.proxy.record());
        drop(held);
        work.await;
        let held = pool.acquire().await.expect("it is free");
        let sent = self.proxy.record();
        drop(held);
        sent
    }
}

/// Splits bytes into messages of PostgreSQL's protocol, each with its type.
fn messages(mut bytes: &[u8]) -> Vec<(char, &[u8])> {
    let mut messages = Vec::new();
    while let [kind, rest @ ..] = bytes {
        let (length, _) = rest.split_first_chunk().expect("a length follows");
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        messages.push((char::from(*kind), message));
        bytes = rest;
    }
    messages
}

#[tokio::test]
async fn unchanged_user_takes_one_round_trip_and_a_new_or_changed_one_two() {
    let database = TestDatabase::postgres().await;
    let counted = Counted::start(&database).await;
    counted.prepare("user_before", 5).await;
    let known = counted.sessions("user_before", "Grace", 6).await;
    let new = counted.sessions("user", "Ada", 5).await;
    let changed = counted.sessions("user", "Grace", 6).await;
    let nothing = counted.asked(async {}).await;
    let taken = counted.asked(counted.acquire()).await - nothing;

    let unchanged = counted.asked(counted.sync(&known, Unchanged)).await - nothing;
    assert_eq!(unchanged, USERS + taken, "unchanged users");
    let inserted = counted.asked(async {
        for (known, new) in known.chunks(1).zip(new.chunks(1)) {
            counted.sync(known, Unchanged).await;
            counted.sync(new, Inserted).await;
        }
    });
    assert_eq!(
        inserted.await - nothing,
        USERS + 2 * USERS + 2 * taken,
        "unchanged and new users in turns, and a connection for each"
    );
    let updated = counted.asked(counted.sync(&changed, Updated)).await - nothing;
    assert_eq!(
        updated,
        2 * USERS + 2 * taken,
        "changed users, and two connections for each"
    );
}

/// The first request reads alone, and the others together, although enough connections are free. If the scheduler runs
/// the requests apart, there are one or two more batches.
#[tokio::test]
async fn requests_at_once_share_few_statements() {
    let database = TestDatabase::postgres().await;
    // After half of its timeout, a request would read once more, to check whether the database answers.
    let timeout = Duration::from_secs(60);
    let profiles: Profiles<AlwaysRead> = Profiles::of_table(
        Pool::open(database.url(), 10).await,
        |it| it.sync_timeout(timeout),
        |it| it.sync_timeout(timeout),
    )
    .await;
    let mut sessions = Vec::new();
    for number in 0..USERS {
        sessions.push(profiles.session(token(&format!("user_{number}"), "Ada", 5)).await);
    }
    for outcome in [Inserted, Unchanged] {
        for session in &sessions {
            assert_eq!(
                profiles.users.sync(session).await.expect("it syncs").outcome,
                outcome
            );
        }
    }
    let log = Log::of_statements();
    let _subscriber = tracing::subscriber::set_default(log.clone());
    let lines = loop {
        // After a pause, so that the first request is alone.
        profiles.users.sync(&sessions[0]).await.expect("it syncs");
        drop(log.take());
        let synced = join_all(sessions.iter().map(|session| profiles.users.sync(session))).await;
        for (session, synced) in sessions.iter().zip(synced) {
            let synced = synced.expect("it syncs");
            assert_eq!(
                (synced.outcome, &*synced.user.clerk_id),
                (Unchanged, session.user_id().as_str())
            );
        }
        let lines = log.take();
        if !lines.is_empty() {
            break lines;
        }
        // Another test's thread may have cached that no subscriber takes sqlx's events.
        tracing::callsite::rebuild_interest_cache();
    };
    let reads = lines
        .iter()
        .filter(|line| line.contains("FROM") && line.contains("profiles"));
    assert!(reads.count() <= 4, "{lines:#?}");
}

/// Without failures, retries, checks and limits add no message: PostgreSQL receives the same as for a query by hand.
#[tokio::test]
async fn unchanged_user_takes_the_messages_of_a_select_by_hand() {
    let database = TestDatabase::postgres().await;
    let counted = Counted::start(&database).await;
    counted.prepare("user", 5).await;
    let sessions = counted.sessions("user", "Grace", 6).await;
    counted.sync(&sessions, Unchanged).await;

    let ours = counted.sent(counted.sync(&sessions, Unchanged)).await;
    let by_hand = async {
        for session in &sessions {
            let row = sqlx::query(<AlwaysRead as StoredIn<Postgres>>::SELECT)
                .bind(session.user_id().as_str())
                .fetch_optional(counted.pool());
            assert!(row.await.expect("it runs").is_some());
        }
    };
    let by_hand = counted.sent(by_hand).await;
    let bound = messages(&ours.of_client);
    let bound = bound.iter().filter(|(kind, _)| *kind == 'B').count();
    assert_eq!(bound, USERS, "each user is one statement with parameters");
    assert_eq!(messages(&ours.of_client), messages(&by_hand.of_client));
    assert_eq!(messages(&ours.of_server), messages(&by_hand.of_server));
    let bytes = |sent: &Bytes| (sent.of_client.len() / USERS, sent.of_server.len() / USERS);
    println!(
        "{:?} bytes sent and received for a user, by hand {:?}",
        bytes(&ours),
        bytes(&by_hand)
    );
}

/// For users who signed up long ago, as when an application begins to keep rows, each first request inserts.
#[tokio::test]
async fn new_users_one_after_another_take_one_round_trip_each() {
    let database = TestDatabase::postgres().await;
    let counted = Counted::start(&database).await;
    counted.prepare("user_before", 5).await;
    let new = counted.sessions("user", "Ada", 5).await;
    let nothing = counted.asked(async {}).await;
    let taken = counted.asked(counted.acquire()).await - nothing;

    let inserted = counted.asked(counted.sync(&new, Inserted)).await - nothing;
    assert_eq!(inserted, 1 + USERS + taken, "the first of them is not expected");
}

#[tokio::test]
async fn fresh_sign_up_takes_one_round_trip() {
    let database = TestDatabase::postgres().await;
    let counted = Counted::start(&database).await;
    let now = SystemClock.now().as_secs();
    counted.prepare("user_before", now - 1).await;
    let new = counted.sessions("user", "Ada", now - 2).await;
    let changed = counted.sessions("user", "Grace", now - 1).await;
    let nothing = counted.asked(async {}).await;
    let taken = counted.asked(counted.acquire()).await - nothing;

    let inserted = counted.asked(counted.sync(&new, Inserted)).await - nothing;
    assert_eq!(inserted, USERS + taken, "newcomers");
    let unchanged = counted.asked(counted.sync(&new, Unchanged)).await - nothing;
    assert_eq!(unchanged, USERS + taken, "the same again");
    let updated = counted.asked(counted.sync(&changed, Updated)).await - nothing;
    assert_eq!(
        updated,
        2 * USERS + 2 * taken,
        "who has changed something a moment ago, and two connections for each"
    );
}
