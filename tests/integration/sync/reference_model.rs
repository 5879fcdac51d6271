//! Tests that the row matches the newest information about the user, for any concurrency and order. Thousands of random
//! histories on two processes are compared with a model. Their steps are tokens of Clerk's origin and edge, deliveries,
//! deletions, writes of the application and crashes.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::row::{StoredIn, VersionSource};
use clerk_auth::sync::{SyncError, Version};
use clerk_auth::testing::{SessionToken, SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::histories::histories;
use clerk_auth_tests::profiles::{Pool, issuer};
use clerk_auth_tests::random_hex;
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

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

/// A step of a history. Numbers select among the existing items, modulo their count.
#[derive(Clone, Debug)]
enum Step {
    /// The person changes their name in Clerk, this many milliseconds later; Clerk sends a delivery, which is held
    /// back.
    Rename(u16),
    /// Clerk mints a token at its origin, this many milliseconds later.
    Mint(u16),
    /// Clerk's edge mints a token with the claims of an earlier token of either kind.
    MintAtEdge { token: usize, later: u16 },
    /// Sends a request with one of the tokens minted so far to one of the processes.
    Request { token: usize, process: usize },
    /// Sends an earlier delivery to a process, perhaps again.
    Deliver { delivery: usize, process: usize },
    /// The person deletes their account; Clerk sends a delivery, which is held back.
    Delete,
    /// The application writes its own column.
    AppWrite,
    /// A process ends and another replaces it.
    Restart { process: usize },
    /// A process ends in the middle of a request or a delivery, after this many polls of its future.
    Crash { what: Box<Step>, polls: u8 },
    /// These steps run at once.
    AtOnce(Vec<Step>),
}

fn arriving() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<usize>(), 0..2_usize).prop_map(|(token, process)| Step::Request { token, process }),
        3 => (any::<usize>(), 0..2_usize).prop_map(|(delivery, process)| Step::Deliver { delivery, process }),
    ]
}

/// Generates the steps that happen one after another.
fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        4 => (0..2_500_u16).prop_map(Step::Rename),
        3 => (0..2_500_u16).prop_map(Step::Mint),
        3 => (any::<usize>(), 0..2_500_u16).prop_map(|(token, later)| Step::MintAtEdge { token, later }),
        // After a minute, sync no longer predicts that a user is new.
        1 => (60_000..62_500_u16).prop_map(Step::Mint),
        12 => arriving(),
        1 => Just(Step::Delete),
        1 => Just(Step::AppWrite),
        1 => (0..2_usize).prop_map(|process| Step::Restart { process }),
        2 => (arriving(), 0..12_u8).prop_map(|(what, polls)| Step::Crash { what: Box::new(what), polls }),
    ]
    .boxed()
}

fn step_or_several() -> BoxedStrategy<Step> {
    prop_oneof![
        10 => step(),
        1 => vec(arriving(), 2..6).prop_map(Step::AtOnce),
    ]
    .boxed()
}

/// A user of this suite: one name that changes, and one column of the application.
trait Member: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite> {
    /// Reads the state of a user: name, version, the application's column, and whether they are deleted.
    const ROW: &'static str;
    /// True if a deletion is recorded permanently even without a row.
    const REMEMBERS_ALL: bool;
    /// True if concurrent events have the same outcome in any order.
    const IS_ORDERLESS: bool = true;

    fn name(&self) -> Option<&str>;
}

/// A user whose row stays as a tombstone after the deletion.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Kept {
    #[expect(dead_code, reason = "every user has one")]
    clerk_id: String,
    name: Option<String>,
    #[column(app)]
    #[expect(dead_code, reason = "it is read from the table")]
    credits: i64,
}

impl Member for Kept {
    const ROW: &'static str = "SELECT name, clerk_version, credits, clerk_deleted_at IS NOT NULL FROM members \
                               WHERE clerk_id = $1";
    const REMEMBERS_ALL: bool = false;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A user whose row is deleted, and whose id is recorded in another table.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    tombstones = "former_members",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Removed {
    #[expect(dead_code, reason = "every user has one")]
    clerk_id: String,
    name: Option<String>,
    #[column(app)]
    #[expect(dead_code, reason = "it is read from the table")]
    credits: i64,
}

impl Member for Removed {
    const ROW: &'static str = "SELECT members.name, members.clerk_version, members.credits, \
                               former_members.clerk_id IS NOT NULL \
                               FROM (SELECT CAST($1 AS TEXT) AS id) AS it \
                               LEFT JOIN members ON members.clerk_id = it.id \
                               LEFT JOIN former_members ON former_members.clerk_id = it.id";
    const REMEMBERS_ALL: bool = true;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A user whose version is the time at which the claims were read; the version is stored only with a change.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    template_json = r#"{"name": "{{user.first_name}}"}"#,
    version = "iat",
    database(postgres, sqlite)
)]
struct Unversioned {
    #[expect(dead_code, reason = "every user has one")]
    clerk_id: String,
    name: Option<String>,
    #[column(app)]
    #[expect(dead_code, reason = "it is read from the table")]
    credits: i64,
}

impl Member for Unversioned {
    const ROW: &'static str = Kept::ROW;
    const REMEMBERS_ALL: bool = false;
    const IS_ORDERLESS: bool = false;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
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

/// Clerk's state, and everything that Clerk has sent so far.
struct World {
    user_id: String,
    now: Timestamp,
    name: String,
    updated_at: Timestamp,
    is_deleted: bool,
    tokens: Vec<(String, Observation)>,
    deliveries: Vec<(SignedDelivery, Observation)>,
}

/// The content of a token or a delivery.
#[derive(Clone, Debug)]
enum Observation {
    Name(Version, String),
    Deleted,
}

impl World {
    /// Creates the state after the sign-up of the user, before any event.
    fn new() -> Self {
        let user_id = format!("user_{}", random_hex(8));
        let now = Timestamp::from_millis(1_700_000_000_000);
        Self {
            user_id,
            now,
            name: "name 0".to_owned(),
            updated_at: now,
            is_deleted: false,
            tokens: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    fn send(&mut self, event_type: &str, data: Value, observation: Observation) {
        let now = SystemClock.now();
        let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
        self.deliveries.push((delivery, observation));
    }

    fn send_user(&mut self, event_type: &str) {
        let mut user = user_object(&self.user_id, self.updated_at);
        user["first_name"] = self.name.as_str().into();
        let observation = Observation::Name(Version::from_api(self.updated_at), self.name.clone());
        self.send(event_type, user, observation);
    }

    fn rename(&mut self, later: u16) {
        if !self.is_deleted {
            self.now = self.now + Duration::from_millis(u64::from(later) + 1);
            self.updated_at = self.now;
            self.name = format!("name {}", self.deliveries.len());
            self.send_user("user.updated");
        }
    }

    fn mint<U: Member>(&mut self, later: u16) {
        if !self.is_deleted {
            self.now = self.now + Duration::from_millis(u64::from(later));
            let token = issuer()
                .token(&self.user_id)
                .claim("name", self.name.as_str())
                .claim("updatedAt", self.updated_at.as_secs());
            let version = match U::VERSION {
                VersionSource::IssuedAt => Version::from_issue(self.now),
                _ => Version::from_token(self.updated_at, self.now),
            };
            let observation = Observation::Name(version, self.name.clone());
            self.push(token, observation);
        }
    }

    /// Mints a token at the edge, which copies only the earlier token, and may not have received a deletion.
    fn mint_at_edge(&mut self, token: usize, later: u16) {
        if let Some(token) = token.checked_rem(self.tokens.len()) {
            self.now = self.now + Duration::from_millis(u64::from(later));
            let (earlier, observation) = &self.tokens[token];
            let (token, observation) = (issuer().edge_token(earlier), observation.clone());
            self.push(token, observation);
        }
    }

    fn push(&mut self, token: SessionToken<'_>, observation: Observation) {
        // The token does not expire, like the long-lived tokens of the Backend API.
        let token = token.issued_at(self.now).claim("exp", 4_000_000_000_i64);
        self.tokens.push((token.sign(), observation));
    }

    fn delete(&mut self) {
        if !self.is_deleted {
            self.is_deleted = true;
            let data = json!({ "id": self.user_id, "object": "user", "deleted": true });
            self.send("user.deleted", data, Observation::Deleted);
        }
    }
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

impl World {
    fn arriving(&self, step: &Step) -> Option<(usize, Arriving, Observation)> {
        match step {
            Step::Request { token, process } => {
                let (token, observation) = self.tokens.get(token.checked_rem(self.tokens.len())?)?;
                Some((*process, Arriving::Token(token.clone()), observation.clone()))
            }
            Step::Deliver { delivery, process } => {
                let (delivery, observation) = self.deliveries.get(delivery % self.deliveries.len())?;
                Some((
                    *process,
                    Arriving::Delivery(Box::new(delivery.clone())),
                    observation.clone(),
                ))
            }
            _ => None,
        }
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
