//! Measures signed-in requests beside plain ones, over loopback: the cost of each for the one thread of a server. The
//! load comes from a process on the other core.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, RawQuery, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get as unguarded;
use clerk_auth::testing::{Issuer, MovableClock, SessionToken};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync, authenticated, routing};
use clerk_auth_tests::database::TestDatabase;
use quick_cache::sync::Cache;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SERVE: &str = "serve";
const ROUNDS: usize = 15;
/// The number of concurrent requests, each of another user, in the loads with more than one.
const CONNECTIONS: usize = 16;
const MANY_CONNECTIONS: usize = 64;
/// The number of requests of all connections in a round.
const REQUESTS: usize = 19_200;
/// The number of requests of the connection in a round of the loads with a single one.
const REQUESTS_IN_A_ROW: usize = 1_920;
/// The number of requests of an active user's page in the minute for which a token is valid.
const REQUESTS_OF_A_TOKEN: usize = 12;

#[derive(Clone, Debug, serde::Serialize, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres)
)]
struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    name: Option<String>,
}

/// Like the struct above, but each request reads its row.
#[derive(Debug, serde::Serialize, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres),
    fresh_for = "0s"
)]
struct ReadPerson {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    name: Option<String>,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    people: UserSync<Person>,
    read: UserSync<ReadPerson>,
    pool: PgPool,
    /// The cache of the handler that is written by hand.
    by_hand: Arc<Cache<String, Arc<Person>>>,
    /// The answer of the plain handler.
    person: Arc<Person>,
}

#[authenticated]
async fn kept(person: Arc<Person>) -> Json<Arc<Person>> {
    Json(person)
}

#[authenticated]
async fn read(person: ReadPerson) -> Json<ReadPerson> {
    Json(person)
}

async fn plain(State(state): State<AppState>) -> Json<Arc<Person>> {
    Json(state.person)
}

/// `Clerk::authenticate` and a lookup in a cache: no database, no freshness, no denial of a user.
struct ByHand(Arc<Person>);

impl FromRequestParts<AppState> for ByHand {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let session = state.clerk.authenticate(&parts.headers).await;
        let session = session.map_err(|_| StatusCode::UNAUTHORIZED)?;
        let person = state.by_hand.get(session.user_id().as_str());
        person.map(Self).ok_or(StatusCode::NOT_FOUND)
    }
}

async fn by_hand(ByHand(person): ByHand) -> Json<Arc<Person>> {
    Json(person)
}

/// Runs one SELECT by key, without authentication.
async fn select(State(pool): State<PgPool>, RawQuery(user): RawQuery) -> Result<Json<Person>, StatusCode> {
    type Row = (i64, String, Option<String>, Option<String>);
    let row: Result<Row, _> =
        sqlx::query_as("SELECT id, clerk_id, email, name FROM people WHERE clerk_id = $1")
            .bind(user)
            .fetch_one(&pool)
            .await;
    let (id, clerk_id, email, name) = row.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(Person {
        id,
        clerk_id,
        email,
        name,
    }))
}

const ISSUER: &str = "https://clerk.example.com";

fn user(number: usize) -> String {
    format!("user_{number:02}")
}

/// Creates a token with the profile of the rows.
fn token(issuer: &Issuer, number: usize, now: Timestamp) -> SessionToken<'_> {
    issuer
        .token(&user(number))
        .claim("email", "ada@example.com")
        .claim("name", "Ada")
        .claim("updatedAt", now.as_secs() - 100_000)
        .issued_at(now)
}

pub(crate) fn run(role: &str) {
    assert_eq!(role, SERVE, "`{SERVE}` is the only role");
    let public_key = env::args().nth(2).expect("the public key is the second argument");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(serve(&public_key));
}

async fn serve(public_key: &str) {
    let database = TestDatabase::postgres().await;
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .connect(database.url())
        .await
        .expect("the server answers");
    sqlx::raw_sql(sqlx::AssertSqlSafe(Person::migration_sql::<sqlx::Postgres>()))
        .execute(&pool)
        .await
        .expect("the table is new");
    // The clock stands still, so tokens and rows do not expire.
    let now = SystemClock.now();
    let clerk = Clerk::builder()
        .issuer(ISSUER)
        .jwt_key(public_key)
        .clock(MovableClock::new(now))
        .build()
        .expect("the configuration is right");
    let people = UserSync::new(clerk.clone(), pool.clone())
        .await
        .expect("the table fits");
    let read_people = UserSync::new(clerk.clone(), pool.clone())
        .await
        .expect("the table fits");
    let person = |number: usize| {
        Arc::new(Person {
            id: 1,
            clerk_id: user(number),
            email: Some("ada@example.com".into()),
            name: Some("Ada".into()),
        })
    };
    let cache = Cache::new(10_000);
    for number in 0..MANY_CONNECTIONS {
        cache.insert(user(number), person(number));
    }
    let state = AppState {
        clerk,
        people,
        read: read_people,
        pool,
        by_hand: Arc::new(cache),
        person: person(0),
    };
    let app = routing::Router::new()
        .public("/plain", unguarded(plain))
        .public("/by-hand", unguarded(by_hand))
        .public("/select", unguarded(select))
        .route("/kept", routing::get(kept))
        .route("/read", routing::get(read))
        .with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!(
        "{} {}",
        listener.local_addr().expect("an address"),
        now.as_millis()
    );
    axum::serve(listener, app).await.expect("it serves");
}

/// A server process, which ends with this process because its standard input is closed then.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Returns the CPU time of the server's only thread (`proc_pid_schedstat(5)`).
    fn cpu(&self) -> Duration {
        let path = format!("/proc/{0}/task/{0}/schedstat", self.0.id());
        let text = fs::read_to_string(path).expect("the server runs, on Linux");
        let first = text.split(' ').next().and_then(|first| first.parse().ok());
        Duration::from_nanos(first.expect("nanoseconds"))
    }
}

pub(crate) fn compare() {
    // Each process gets its own core if the system allows the choice.
    let program = env::current_exe().expect("this program");
    let mut server = Command::new("taskset");
    let issuer = Issuer::new(ISSUER);
    server
        .args(["-c", "0"])
        .arg(program)
        .args([SERVE, &issuer.public_key_pem()]);
    let mut server = Server(
        server
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset, of util-linux"),
    );
    let itself = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-acp", "1", &itself]).output();
    assert!(
        pinned.expect("taskset").status.success(),
        "there is a second core"
    );
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().expect("it is piped"))
        .read_line(&mut line)
        .expect("the server says where it is");
    let (address, now) = line.trim().split_once(' ').expect("an address and a time");
    let now = Timestamp::from_millis(now.parse().expect("milliseconds"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(measure(&server, &issuer, address, now));
}

/// The path of all requests, and the number of connections that send them at once.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Load {
    path: &'static str,
    connections: usize,
    new_tokens: bool,
}

impl Load {
    const fn new(path: &'static str, connections: usize) -> Self {
        Self {
            path,
            connections,
            new_tokens: false,
        }
    }

    const fn requests(self) -> usize {
        if self.connections == 1 {
            REQUESTS_IN_A_ROW
        } else {
            REQUESTS
        }
    }
}

const PLAIN: Load = Load::new("/plain", CONNECTIONS);
const KEPT: Load = Load::new("/kept", CONNECTIONS);
const BY_HAND: Load = Load::new("/by-hand", CONNECTIONS);
const MINUTE: Load = Load {
    new_tokens: true,
    ..KEPT
};
const READ: Load = Load::new("/read", CONNECTIONS);
const SELECT: Load = Load::new("/select", CONNECTIONS);
const READ_BY_MANY: Load = Load::new("/read", MANY_CONNECTIONS);
const SELECT_BY_MANY: Load = Load::new("/select", MANY_CONNECTIONS);
const READ_IN_A_ROW: Load = Load::new("/read", 1);
const SELECT_IN_A_ROW: Load = Load::new("/select", 1);
/// `READ` is the first, because it creates the rows that the others read.
const LOADS: [Load; 10] = [
    READ_BY_MANY,
    PLAIN,
    KEPT,
    BY_HAND,
    READ,
    SELECT,
    MINUTE,
    READ_IN_A_ROW,
    SELECT_IN_A_ROW,
    SELECT_BY_MANY,
];

async fn measure(server: &Server, issuer: &Issuer, address: &str, now: Timestamp) {
    let request = |path: &str, number: usize, token: &str| -> Arc<[u8]> {
        let user = user(number);
        format!("GET {path}?{user} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n")
            .into_bytes()
            .into()
    };
    let tokens: Vec<String> = (0..MANY_CONNECTIONS)
        .map(|number| token(issuer, number, now).sign())
        .collect();
    // Each new token has a different `oiat`, and so a different header.
    let mut minted = 0;
    let mut requests = |load: Load| -> Vec<Vec<Arc<[u8]>>> {
        let of_one = |number: usize| {
            let count = load.requests() / load.connections;
            if !load.new_tokens {
                return vec![request(load.path, number, &tokens[number]); count];
            }
            let mut requests = Vec::with_capacity(count);
            for _ in 0..count / REQUESTS_OF_A_TOKEN {
                minted += 1;
                let read_at = Timestamp::from_secs(now.as_secs() - minted);
                let token = token(issuer, number, now).claims_read_at(read_at).sign();
                requests.extend(vec![request(load.path, number, &token); REQUESTS_OF_A_TOKEN]);
            }
            requests
        };
        (0..load.connections).map(of_one).collect()
    };
    let mut costs: BTreeMap<Load, Vec<Duration>> = BTreeMap::new();
    let mut rates: BTreeMap<Load, Vec<Duration>> = BTreeMap::new();
    // The first round creates the rows and fills the caches.
    for round in 0..=ROUNDS {
        for turn in 0..LOADS.len() {
            let load = LOADS[(round + turn) % LOADS.len()];
            let requests = requests(load);
            let (cpu, begun) = (server.cpu(), Instant::now());
            send(address, &requests).await;
            let (cpu, time) = (server.cpu() - cpu, begun.elapsed());
            if round > 0 {
                let count = u32::try_from(load.requests()).expect("a count");
                costs.entry(load).or_default().push(cpu / count);
                rates.entry(load).or_default().push(time / count);
            }
        }
    }
    let of = |times: &BTreeMap<Load, Vec<Duration>>, load: Load| super::median(times[&load].clone());
    println!("HTTP, CPU time of the server for a request");
    let row_is_read = "a row that is read";
    let one_select = "a plain handler with one SELECT";
    for (what, ours, beside, other, aim) in [
        (
            "a kept row",
            KEPT,
            "authenticate and a cache by hand",
            BY_HAND,
            Some(1.05),
        ),
        (row_is_read, READ, one_select, SELECT, Some(0.50)),
        (row_is_read, READ_BY_MANY, one_select, SELECT_BY_MANY, Some(0.50)),
        (row_is_read, READ_IN_A_ROW, one_select, SELECT_IN_A_ROW, None),
        (
            "a minute of an active user",
            MINUTE,
            "a plain handler",
            PLAIN,
            Some(1.60),
        ),
    ] {
        let connections = ours.connections;
        let (ours, other) = (of(&costs, ours), of(&costs, other));
        let ratio = ours.as_secs_f64() / other.as_secs_f64();
        let aim = aim.map_or_else(String::new, |aim| format!(", at most {aim} x"));
        println!("  {what}, {connections} at once: {ours:.1?}, {beside} {other:.1?}, {ratio:.3} x{aim}");
    }
    for (what, ours, beside, other) in [
        ("a kept row", KEPT, "a plain handler", PLAIN),
        (row_is_read, READ, one_select, SELECT),
        (row_is_read, READ_BY_MANY, one_select, SELECT_BY_MANY),
        (row_is_read, READ_IN_A_ROW, one_select, SELECT_IN_A_ROW),
    ] {
        let connections = ours.connections;
        let ratio = of(&rates, other).as_secs_f64() / of(&rates, ours).as_secs_f64();
        println!("  {what}, {connections} at once: {ratio:.3} times as many requests a second as {beside}");
    }
}

/// Sends the requests: those of a connection one after another.
async fn send(address: &str, requests: &[Vec<Arc<[u8]>>]) {
    let connections = requests.iter().map(|requests| async move {
        let mut connection = Connection::open(address).await;
        let length = connection.first(&requests[0]).await;
        for request in &requests[1..] {
            connection.exactly(request, length).await;
        }
    });
    futures_util::future::join_all(connections).await;
}

struct Connection(TcpStream, Vec<u8>);

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server answers");
        stream.set_nodelay(true).expect("an option");
        Self(stream, vec![0; 4_096])
    }

    /// Sends a request, and returns the length of its answer.
    async fn first(&mut self, request: &[u8]) -> usize {
        self.0.write_all(request).await.expect("it is sent");
        let mut length = 0;
        loop {
            length += self.0.read(&mut self.1[length..]).await.expect("it answers");
            let answer = str::from_utf8(&self.1[..length]).expect("ASCII");
            if let Some((head, body)) = answer.split_once("\r\n\r\n") {
                assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
                if body.ends_with('}') {
                    return length;
                }
            }
        }
    }

    async fn exactly(&mut self, request: &[u8], length: usize) {
        self.0.write_all(request).await.expect("it is sent");
        self.0
            .read_exact(&mut self.1[..length])
            .await
            .expect("it answers");
        assert!(self.1.starts_with(b"HTTP/1.1 200"), "the request is refused");
    }
}
