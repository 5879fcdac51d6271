//! Requests of many users through two handles, while a test breaks the database. The only allowed failure is that the
//! database cannot be used: no wrong row, no hang, no panic, no lost update.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clerk_auth::sync::SyncError;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::profiles::{Pool, Profile, Profiles, token};

/// The `sync_timeout` of the handles.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The extra time that a request may take, because two cores run this test's load, its server and other tests.
const SLACK: Duration = Duration::from_secs(2);

/// The time within which requests succeed after the database has recovered.
const BACK: Duration = Duration::from_secs(1);

const TASKS: usize = 8;

/// The number of users that all tasks share. Each task also has a user of its own.
const SHARED: usize = 3;

/// The maximum number of requests per task.
const MAX_REQUESTS: usize = 20_000;

/// The test's record of one user.
#[derive(Debug, Default)]
struct User {
    id: String,
    /// The newest version of the user's tokens.
    issued: AtomicI64,
    /// The newest version that each handle has served.
    served: [AtomicI64; 2],
}

/// The requests of all tasks, until stopped.
#[derive(Debug)]
pub struct Load {
    handles: [Profiles; 2],
    users: Vec<User>,
    stop: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
    /// The violations that were found.
    faults: Mutex<Vec<String>>,
}

impl Load {
    /// Starts the load on two handles, each with its own pool.
    pub async fn start(url: &str) -> (Arc<Self>, JoinSet<()>) {
        let mut handles = Vec::new();
        for _ in 0..2 {
            let pool = Pool::open(url, 5).await;
            handles.push(Profiles::start_with(pool, |it| it.sync_timeout(TIMEOUT), |it| it).await);
        }
        let Ok(handles) = <[Profiles; 2]>::try_from(handles) else {
            unreachable!("two were made");
        };
        let users = (0..SHARED + TASKS).map(|number| User {
            id: format!("user_{number}"),
            ..User::default()
        });
        let load = Arc::new(Self {
            handles,
            users: users.collect(),
            stop: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            faults: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            tasks.spawn(Arc::clone(&load).run(task));
        }
        (load, tasks)
    }

    /// Runs one task: old and new tokens of its own user and of shared ones, through both handles.
    async fn run(self: Arc<Self>, task: usize) {
        let mut sessions = HashMap::new();
        for number in 0..MAX_REQUESTS {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let place = if number % 2 == 0 {
                SHARED + task
            } else {
                number / 2 % SHARED
            };
            let handle = (number / 3 + task) % 2;
            // A quarter of the requests has a change.
            if number % 4 < 2 && number % 8 < 4 || !sessions.contains_key(&(place, handle)) {
                let user = &self.users[place];
                let version = user.issued.fetch_add(1, Ordering::SeqCst) + 1;
                let newer = token(&user.id, &format!("{version}"), version);
                let session = self.handles[handle].session(newer).await;
                sessions.insert((place, handle), (version, session));
            }
            let (version, session) = &sessions[&(place, handle)];
            self.request(place, handle, *version, session).await;
        }
    }

    async fn request(&self, place: usize, handle: usize, version: i64, session: &clerk_auth::Session) {
        let user = &self.users[place];
        let known = user.served[handle].load(Ordering::SeqCst).max(version);
        let began = Instant::now();
        let synced = self.handles[handle].users.sync(session).await;
        let took = began.elapsed();
        if took > TIMEOUT + SLACK {
            self.fault(format!("{took:?} for {synced:?}"));
        }
        match synced {
            Ok(synced) => {
                self.answered.fetch_add(1, Ordering::SeqCst);
                let served = version_of(&synced.user);
                if synced.user.clerk_id != user.id
                    || served
                        .is_none_or(|served| served < known || served > user.issued.load(Ordering::SeqCst))
                {
                    self.fault(format!("{} at {known} or newer, served {synced:?}", user.id));
                }
                user.served[handle].fetch_max(served.unwrap_or(0), Ordering::SeqCst);
            }
            // `Busy`: as the network recovered, another connection was answered before the timeout.
            Err(
                SyncError::Database(_) | SyncError::Timeout(_) | SyncError::Busy(_) | SyncError::Unavailable,
            ) => {
                self.failed.fetch_add(1, Ordering::SeqCst);
                // A pause, so that fast failures do not become a busy loop.
                sleep(Duration::from_millis(5)).await;
            }
            Err(error) => self.fault(format!("{}: {error:?}", user.id)),
        }
    }

    fn fault(&self, fault: String) {
        self.faults
            .lock()
            .expect("no task panics while it is held")
            .push(fault);
    }

    /// Waits until the count has increased by `more`.
    async fn more(&self, count: &AtomicU64, more: u64) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let enough = count.load(Ordering::SeqCst) + more;
        while count.load(Ordering::SeqCst) < enough {
            assert!(Instant::now() < deadline, "{:?}", self.faults.lock());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for 300 more answers.
    pub async fn more_answers(&self) {
        self.more(&self.answered, 300).await;
    }

    /// Waits for 100 more failures.
    pub async fn more_failures(&self) {
        self.more(&self.failed, 100).await;
    }

    /// Asserts that each handle answers within a second of `back`.
    ///
    /// # Panics
    ///
    /// If one does not.
    pub async fn is_back(&self, back: Instant) {
        for profiles in &self.handles {
            let session = profiles.session(token("user_back", "1", 1)).await;
            while let Err(error) = profiles.users.sync(&session).await {
                assert!(
                    back.elapsed() < BACK,
                    "not back after {:?}: {error}",
                    back.elapsed()
                );
                sleep(Duration::from_millis(5)).await;
            }
            assert!(back.elapsed() < BACK, "back after {:?}", back.elapsed());
        }
    }

    /// Ends the load, and checks the guarantees in the table.
    ///
    /// # Panics
    ///
    /// If a guarantee was broken.
    pub async fn end(&self, mut tasks: JoinSet<()>) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no task panics");
        }
        let faults = self.faults.lock().expect("no task panicked").clone();
        assert!(
            faults.is_empty(),
            "{} faults, such as {:#?}",
            faults.len(),
            &faults[..faults.len().min(5)]
        );
        for user in &self.users {
            let sql = format!("SELECT name FROM profiles WHERE clerk_id = '{}'", user.id);
            let name = self.handles[0].pool.text(&sql).await;
            let stored: i64 = name.and_then(|it| it.parse().ok()).expect("a row of ours");
            let served = user.served.each_ref().map(|it| it.load(Ordering::SeqCst));
            assert!(
                served.iter().all(|served| *served <= stored),
                "{}: {served:?} were served, {stored} is kept",
                user.id
            );
        }
        let rows = self.handles[0]
            .pool
            .number("SELECT count(*) - count(DISTINCT clerk_id) FROM profiles")
            .await;
        assert_eq!(rows, 0);
    }
}

fn version_of(profile: &Profile) -> Option<i64> {
    profile.name.as_deref()?.parse().ok()
}

/// Returns the time at which the server accepts a connection.
pub async fn accepts(url: &str) -> Instant {
    loop {
        if let Ok(connection) = PgConnection::connect(url).await {
            let now = Instant::now();
            drop(connection.close().await);
            return now;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the server answers a query with true.
pub async fn confirms(url: &str, sql: &'static str) {
    loop {
        if let Ok(mut connection) = PgConnection::connect(url).await {
            let answer: Result<bool, _> = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
            drop(connection.close().await);
            if let Ok(true) = answer {
                return;
            }
        }
        sleep(Duration::from_millis(5)).await;
    }
}
