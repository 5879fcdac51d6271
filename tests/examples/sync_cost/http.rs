//! A signed-in request beside a plain one, over loopback: how many of each a server of one core answers in a second, while
//! the load comes from a process on the other core.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{FromRef, State};
use axum::routing::get as unguarded;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth::{Clerk, SyncedUser, UserSync, authenticated, routing};
use clerk_auth_tests::database::TestDatabase;
use sqlx::postgres::PgPoolOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SERVE: &str = "serve";
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_secs(2);

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

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<Person>,
    /// What the plain handler answers with.
    person: Arc<Person>,
}

#[authenticated]
async fn me(person: Arc<Person>) -> Json<Arc<Person>> {
    Json(person)
}

async fn plain(State(state): State<AppState>) -> Json<Arc<Person>> {
    Json(state.person)
}

pub(crate) fn run(role: &str) {
    assert_eq!(role, SERVE, "`{SERVE}` is the only role");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(serve());
}

async fn serve() {
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
    // Neither the token nor the row grows old: what is measured is the warm request.
    let now = SystemClock.now();
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(issuer.public_key_pem())
        .clock(MovableClock::at(now))
        .build()
        .expect("the configuration is right");
    let users = UserSync::new(clerk.clone(), pool).await.expect("the table fits");
    let token = issuer
        .token("user_ada")
        .claim("email", "ada@example.com")
        .claim("name", "Ada")
        .claim("updatedAt", now.seconds() - 60)
        .issued_at(now)
        .sign();
    let person = Person {
        id: 1,
        clerk_id: "user_ada".into(),
        email: Some("ada@example.com".into()),
        name: Some("Ada".into()),
    };
    let state = AppState {
        clerk,
        users,
        person: Arc::new(person),
    };
    let app = routing::Router::new()
        .public("/plain", unguarded(plain))
        .route("/me", routing::get(me))
        .with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    println!("{address} {token}");
    axum::serve(listener, app).await.expect("it serves");
}

/// Ends with this process, because its standard input does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn compare() {
    // Each process has a core of its own where the system lets it be chosen.
    let program = env::current_exe().expect("this program");
    let mut server = Command::new("taskset");
    server.args(["-c", "0"]).arg(program).arg(SERVE);
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
    let (address, token) = line.trim().split_once(' ').expect("an address and a token");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let mut rates = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for which in [round % 2, 1 - round % 2] {
                let path = ["/plain", "/me"][which];
                rates[which].push(rate(address, path, token).await);
            }
        }
        let [plain, ours] = rates.map(|mut rates| {
            rates.sort_unstable();
            rates[rates.len() / 2]
        });
        let ratio = ours as f64 / plain as f64;
        println!("HTTP\n  warm: {ours} requests/s, a plain handler {plain} requests/s, {ratio:.3} x");
    });
}

/// Requests answered in a second, over connections that stay open. Both handlers are sent the same bytes but for the path.
async fn rate(address: &str, path: &str, token: &str) -> u64 {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    let request: Arc<[u8]> = request.into_bytes().into();
    // The first answer makes the row, and says how long the others are.
    let mut connection = Connection::open(address).await;
    connection.first(&request).await;
    let length = connection.first(&request).await;
    let begun = Instant::now();
    let connections = (0..CONNECTIONS).map(|_| async {
        let mut connection = Connection::open(address).await;
        let mut answered = 0;
        while begun.elapsed() < ROUND {
            connection.exactly(&request, length).await;
            answered += 1;
        }
        answered
    });
    let answered: u64 = futures_util::future::join_all(connections)
        .await
        .into_iter()
        .sum();
    (answered as f64 / begun.elapsed().as_secs_f64()) as u64
}

struct Connection(TcpStream, Vec<u8>);

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server answers");
        stream.set_nodelay(true).expect("an option");
        Self(stream, vec![0; 4_096])
    }

    /// How long the answer is.
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
