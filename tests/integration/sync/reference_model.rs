//! Tests that the row matches the newest information about the user, for any concurrency and order. Thousands of random
//! histories on two processes are compared with a model. Their steps are tokens of Clerk's origin and edge, deliveries,
//! deletions, writes of the application and crashes.

mod users;
mod world;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::row::VersionSource;
use clerk_auth::sync::SyncError;
use clerk_auth::testing::SignedDelivery;
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::histories::histories;
use clerk_auth_tests::profiles::{Pool, issuer};
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use users::{Kept, Member, Removed, Unversioned};
use world::{Observation, Step, World, step, step_or_several};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The reference model: the row that must follow from the observed events.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Model {
    version: i64,
    /// The allowed names; several if they are equally new and arrived at the same time.
    names: BTreeSet<String>,
    is_deleted: bool,
    credits: i64,
    /// True if a version is recorded only with changed claims.
    ignores_repeated_names: bool,
}

impl Model {
    fn of<U: Member>() -> Self {
        Self {
            ignores_repeated_names: U::VERSION == VersionSource::IssuedAt,
            ..Self::default()
        }
    }

    fn observe(&mut self, observation: &Observation, at_once: bool) {
        let (version, name) = match observation {
            Observation::Name(version, name) => (version, name),
            Observation::Deleted => return self.is_deleted = true,
        };
        let order = version.as_millis().cmp(&self.version);
        if order == Ordering::Less || (self.ignores_repeated_names && self.names.contains(name)) {
            return;
        }
        if order == Ordering::Greater || !at_once {
            self.names.clear();
        }
        self.version = version.as_millis();
        self.names.insert(name.clone());
    }
}

/// The state of a user in the database.
#[derive(Debug)]
enum Row {
    Absent,
    Live {
        name: String,
        version: i64,
        credits: i64,
    },
    Deleted,
}

impl Row {
    async fn read<U: Member>(pool: &Pool, user_id: &str) -> Self {
        type Columns = (Option<String>, Option<i64>, Option<i64>, bool);
        let row: Option<Columns> = match pool {
            Pool::Postgres(pool) => sqlx::query_as(U::ROW).bind(user_id).fetch_optional(pool).await,
            Pool::Sqlite(pool) => sqlx::query_as(U::ROW).bind(user_id).fetch_optional(pool).await,
        }
        .expect("the row can be read");
        match row {
            Some((_, _, _, true)) => Self::Deleted,
            Some((Some(name), Some(version), Some(credits), false)) => Self::Live {
                name,
                version,
                credits,
            },
            _ => Self::Absent,
        }
    }
}

impl Model {
    fn agrees_with(&self, row: &Row) -> bool {
        match row {
            Row::Absent => !self.is_deleted && self.names.is_empty(),
            Row::Deleted => self.is_deleted,
            Row::Live {
                name,
                version,
                credits,
            } => {
                !self.is_deleted
                    && *version == self.version
                    && self.names.contains(name)
                    && *credits == self.credits
            }
        }
    }
}

/// A process with its handle, its pool, and its receiver on a real port.
struct Process<U> {
    users: UserSync<U>,
    clerk: Clerk,
    pool: Pool,
    receiver: Router,
    address: SocketAddr,
    server: JoinHandle<()>,
    client: reqwest::Client,
}

impl<U> Drop for Process<U> {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Opens a pool on the database, and creates the table.
async fn open<U: Member>(database: &TestDatabase) -> Pool {
    let pool = Pool::open(database.url(), 5).await;
    let sql = match pool {
        Pool::Postgres(_) => U::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => U::migration_sql::<sqlx::Sqlite>(),
    };
    pool.execute(&sql.replace("CREATE TABLE \"", "CREATE TABLE IF NOT EXISTS \""))
        .await;
    pool
}

impl<U: Member> Process<U> {
    async fn start(database: &TestDatabase) -> Self {
        // The histories are longer than the lifetime of a token that is accepted by default.
        let clerk = Clerk::builder()
            .issuer(issuer().url())
            .jwt_key(issuer().public_key_pem())
            .insecure_accept_long_lived_tokens()
            .build()
            .expect("the configuration is right");
        let pool = open::<U>(database).await;
        let users = match &pool {
            Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
            Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        };
        let users = users.expect("the table fits");
        let receiver = Router::new().route(
            "/",
            webhooks(&users, WebhookVerifier::new(SECRET.parse().expect("it is one"))),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let served = receiver.clone();
        let server = tokio::spawn(async move { drop(axum::serve(listener, served).await) });
        Self {
            users,
            clerk,
            pool,
            receiver,
            address,
            server,
            client: reqwest::Client::new(),
        }
    }

    /// Sends a request with a token. Returns the name in the row, or `None` if the user is deleted.
    async fn request(&self, token: &str) -> Option<String> {
        let value = format!("Bearer {token}").parse().expect("it is a header's value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        let session = match self.clerk.authenticate(&headers).await {
            Ok(session) => session,
            Err(AuthenticationError::Refused(Refusal::UserDeleted)) => return None,
            Err(error) => panic!("{error}"),
        };
        match self.users.sync(&session).await {
            Ok(synced) => Some(synced.user.name().expect("each has a name").to_owned()),
            Err(SyncError::UserDeleted) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a delivery over the network.
    async fn deliver(&self, delivery: &SignedDelivery) {
        let response = self
            .client
            .post(format!("http://{}/", self.address))
            .headers(delivery.headers().clone())
            .body(delivery.body().to_owned())
            .send()
            .await
            .expect("the receiver answers");
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    }

    async fn arrive(&self, arriving: &Arriving) -> Option<String> {
        match arriving {
            Arriving::Token(token) => self.request(token).await,
            Arriving::Delivery(delivery) => {
                self.deliver(delivery).await;
                None
            }
        }
    }

    /// Begins the request or delivery, and ends in the middle of it, with the process.
    async fn crash_while_arriving(self, arriving: &Arriving, polls: u8) {
        {
            let mut work = pin!(async {
                match arriving {
                    Arriving::Token(token) => drop(self.request(token).await),
                    // Over the network, the test could not observe the end of the work.
                    Arriving::Delivery(delivery) => {
                        let request = delivery.request("/");
                        drop(self.receiver.clone().oneshot(request).await);
                    }
                }
            });
            for _ in 0..polls {
                let is_done = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready()));
                if is_done.await {
                    break;
                }
                // Leaves the database a moment in which it may answer.
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
        // Data that was sent arrives before the connection's end.
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite(pool) => pool.close().await,
        }
    }
}

/// A request or a delivery on its way to a process.
#[derive(Clone, Debug)]
enum Arriving {
    Token(String),
    Delivery(Box<SignedDelivery>),
}

/// Two processes on one database.
struct Run<U> {
    database: TestDatabase,
    processes: [Option<Process<U>>; 2],
}

impl<U: Member> Run<U> {
    async fn start(database: TestDatabase) -> Self {
        let processes = [
            Some(Process::start(&database).await),
            Some(Process::start(&database).await),
        ];
        Self { database, processes }
    }

    fn process(&self, number: usize) -> &Process<U> {
        self.processes[number]
            .as_ref()
            .expect("each that ended was started again")
    }

    async fn history(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        let (mut world, mut model) = (World::new(), Model::of::<U>());
        world.send_user("user.created");
        for step in steps {
            self.step(step, &mut world, &mut model).await?;
            let row = Row::read::<U>(&self.process(0).pool, &world.user_id).await;
            prop_assert!(
                model.agrees_with(&row),
                "{row:?}, and not {model:?}, after {step:?}"
            );
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step, world: &mut World, model: &mut Model) -> Result<(), TestCaseError> {
        match step {
            Step::Rename(later) => world.rename(*later),
            Step::Mint(later) => world.mint::<U>(*later),
            Step::MintAtEdge { token, later } => world.mint_at_edge(*token, *later),
            Step::Delete if U::REMEMBERS_ALL || !model.names.is_empty() => world.delete(),
            Step::Delete => {}
            Step::AppWrite => {
                let sql = format!(
                    "UPDATE {} SET credits = credits + 1 WHERE clerk_id = '{}'",
                    U::TABLE,
                    world.user_id
                );
                let written = self.process(0).pool.execute(&sql).await;
                model.credits += i64::try_from(written).expect("one row at most");
            }
            Step::Restart { process } => {
                self.processes[*process] = Some(Process::start(&self.database).await);
            }
            Step::Request { .. } | Step::Deliver { .. } => {
                if let Some((process, arriving, observation)) = world.arriving(step) {
                    let got = self.process(process).arrive(&arriving).await;
                    model.observe(&observation, false);
                    if let Arriving::Token(_) = arriving {
                        let is_right = match &got {
                            Some(name) => !model.is_deleted && model.names.contains(name),
                            None => model.is_deleted,
                        };
                        prop_assert!(is_right, "got {got:?}");
                    }
                }
            }
            Step::Crash { what, polls } => {
                if let Some((process, arriving, observation)) = world.arriving(what) {
                    let crashing = self.processes[process].take().expect("it runs");
                    crashing.crash_while_arriving(&arriving, *polls).await;
                    self.processes[process] = Some(Process::start(&self.database).await);
                    // The next attempt completes a delivery that was applied in part, because a deletion refuses the
                    // user first.
                    if matches!(observation, Observation::Deleted) {
                        self.process(process).arrive(&arriving).await;
                    }
                    // The crash came either after the effect or before it.
                    let row = Row::read::<U>(&self.process(process).pool, &world.user_id).await;
                    let mut observed = model.clone();
                    observed.observe(&observation, false);
                    if observed.agrees_with(&row) {
                        *model = observed;
                    }
                }
            }
            Step::AtOnce(steps) => {
                let arriving: Vec<_> = steps.iter().filter_map(|step| world.arriving(step)).collect();
                let all = arriving
                    .iter()
                    .map(|(process, arriving, _)| self.process(*process).arrive(arriving));
                let got = join_all(all).await;
                for (_, _, observation) in &arriving {
                    model.observe(observation, true);
                }
                for ((_, arriving, _), got) in arriving.iter().zip(got) {
                    let is_gone = matches!(arriving, Arriving::Token(_)) && got.is_none();
                    prop_assert!(!is_gone || model.is_deleted, "got nothing");
                }
            }
        }
        Ok(())
    }
}

async fn run<U: Member>(database: TestDatabase, cases: u32) {
    let step = match U::IS_ORDERLESS {
        true => step_or_several,
        false => step,
    };
    let run = Run::<U>::start(database).await;
    histories(cases, move || vec(step(), 1..40), run, Run::history).await;
}

macro_rules! on_both_databases {
    ($($suite:ident: $user:ty, $on_postgres:literal and $on_sqlite:literal histories;)+) => {
        $(mod $suite {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run::<$user>(TestDatabase::postgres().await, $on_postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run::<$user>(TestDatabase::sqlite(), $on_sqlite).await;
            }
        })+
    };
}

on_both_databases! {
    row_holds_the_newest_information: Kept, 300 and 1_000 histories;
    removed_row_stays_removed: Removed, 300 and 1_000 histories;
    row_without_updated_at_is_as_new_as_its_claims: Unversioned, 150 and 500 histories;
}
