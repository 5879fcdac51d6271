//! A panic in the application's code only fails its request: no slot, connection, lock or transaction is kept, and the
//! next request succeeds.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRef;
use axum::http::header::AUTHORIZATION;
use axum::http::{Request, StatusCode};
use clerk_auth::backend_api::BackendApi;
use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{BoxError, NotImported, SyncError, SyncOutcome};
use clerk_auth::testing::{FakeClerk, SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, Session, SyncedUser, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use futures_util::future::join_all;
use serde_json::Value;
use tower::ServiceExt;

on_both_databases!(
    panic_of_a_type_costs_one_request,
    panic_while_rows_are_read_together_costs_one_user,
    panic_of_a_hook_costs_one_request,
    panic_while_a_row_is_read_for_one_request_costs_that_request,
    panic_costs_one_delivery,
    panic_costs_one_user_of_an_import,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

thread_local! {
    /// True if reads of the name `decode again` panic.
    static IS_PANICKING: Cell<bool> = const { Cell::new(false) };
}

/// A name whose value selects the implementation that panics.
#[derive(Debug, Eq)]
pub(crate) struct Touchy(String);

impl Touchy {
    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    fn touch(text: &str, place: &str) {
        assert!(text != place, "the application panics in {place}");
    }
}

impl FromClaim<Text> for Touchy {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        Self::touch(text, "from_claim");
        Ok(Self(text.to_owned()))
    }
}

/// Encodes the column.
impl fmt::Display for Touchy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::touch(&self.0, "encode");
        formatter.write_str(&self.0)
    }
}

/// Decodes the column.
impl FromStr for Touchy {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        Self::touch(text, "decode");
        assert!(
            text != "decode again" || !IS_PANICKING.get(),
            "the application panics now"
        );
        Ok(Self(text.to_owned()))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        Self::touch(&self.0, "equal");
        self.0 == other.0
    }
}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        Self::touch(&self.0, "clone");
        Self(self.0.clone())
    }
}

/// The error of a hook.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("the application panics in the error's Display");
    }
}

impl std::error::Error for Unspeakable {}

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "touchies",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Person {
    clerk_id: String,
    #[column(text)]
    name: Option<Touchy>,
}

/// Like the struct above, read for each request.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "touchies",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    fresh_for = "0s",
    database(postgres, sqlite)
)]
struct Unkept {
    clerk_id: String,
    #[column(text)]
    name: Option<Touchy>,
}

/// Not `Clone`: while its row is cached, each request reads a row of its own.
#[derive(Debug, SyncedUser)]
#[synced_user(
    table = "touchies",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Single {
    clerk_id: String,
    #[column(text)]
    name: Option<Touchy>,
}

#[derive(Clone, FromRef)]
struct State {
    clerk: Clerk,
    users: UserSync<Person>,
}

#[authenticated(state = State)]
async fn me(user: Person) -> String {
    user.clerk_id
}

async fn start<U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>>(pool: Pool) -> Profiles<U> {
    let tables = match pool {
        Pool::Postgres(_) => U::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => U::migration_sql::<sqlx::Sqlite>(),
    };
    pool.execute(&tables.replace("CREATE TABLE \"", "CREATE TABLE IF NOT EXISTS \""))
        .await;
    Profiles::of_table(
        pool,
        |it| {
            it.on_insert(|_, user: &U| Box::pin(hook(id(user), "user_insert")))
                .on_delete(|_, user: &U| Box::pin(hook(id(user), "user_delete")))
                .on_event(|connection, webhook| {
                    let text = format!("{:?}", webhook.event);
                    Box::pin(async move {
                        if text.contains("user_rolled_back") {
                            sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                            panic!("the application panics without a transaction");
                        }
                        assert!(!text.contains("user_event"), "the application panics in on_event");
                        Ok(())
                    })
                })
        },
        |it| {
            it.on_insert(|_, user: &U| Box::pin(hook(id(user), "user_insert")))
                .on_delete(|_, user: &U| Box::pin(hook(id(user), "user_delete")))
                .on_event(|connection, webhook| {
                    let text = format!("{:?}", webhook.event);
                    Box::pin(async move {
                        if text.contains("user_rolled_back") {
                            sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                            panic!("the application panics without a transaction");
                        }
                        assert!(!text.contains("user_event"), "the application panics in on_event");
                        Ok(())
                    })
                })
        },
    )
    .await
}

/// Returns the id of a user of either struct.
fn id<U: SyncedUser>(user: &U) -> String {
    let user: &dyn std::any::Any = user;
    let person = user.downcast_ref::<Person>().map(|it| &it.clerk_id);
    let unkept = user.downcast_ref::<Unkept>().map(|it| &it.clerk_id);
    let single = user.downcast_ref::<Single>().map(|it| &it.clerk_id);
    person.or(unkept).or(single).cloned().unwrap_or_default()
}

async fn hook(user_id: String, place: &'static str) -> Result<(), BoxError> {
    assert!(user_id != place, "the application panics in a hook");
    match &*user_id {
        "user_unspeakable" => Err(Unspeakable.into()),
        _ => Ok(()),
    }
}

async fn session<U: SyncedUser>(profiles: &Profiles<U>, user_id: &str, name: &str) -> Session {
    let token = issuer().token(user_id).claim("name", name).claim("updatedAt", 5);
    profiles.session(token).await
}

async fn insert(pool: &Pool, user_id: &str, name: &str) {
    pool.execute(&format!(
        "INSERT INTO touchies (clerk_id, name, clerk_version) VALUES ('{user_id}', '{name}', 5000)"
    ))
    .await;
}

async fn panic_of_a_type_costs_one_request(database: TestDatabase) {
    // A single connection: if it were not returned, every later request would fail.
    let pool = Pool::open(database.url(), 1).await;
    let people: Profiles<Person> = start(pool.clone()).await;
    for place in ["decode", "equal", "clone"] {
        insert(&pool, &format!("user_{place}"), place).await;
    }
    let state = State {
        clerk: people.clerk().clone(),
        users: people.users.clone(),
    };
    let router = Router::new().route("/", axum::routing::get(me)).with_state(state);
    let answer = async |user_id: &str, name: &str| {
        let token = issuer()
            .token(user_id)
            .issued_at(people.clock.now())
            .claim("name", name)
            .claim("updatedAt", 5)
            .sign();
        let request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).expect("it is a request");
        let response = router.clone().oneshot(request).await.expect("it answers");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    };
    // More often than the circuit breaker tolerates.
    for round in 0..5 {
        for place in ["from_claim", "encode", "decode", "equal", "clone"] {
            let user = format!("user_{place}");
            let (status, code) = answer(&user, place).await;
            // Only a cached row is cloned, and the first request has the only copy.
            if place == "clone" && status == 200 {
                continue;
            }
            assert_eq!((status, &*code), (500, "service_failed"), "{place}");
        }
        let (status, code) = answer(&format!("user_{round}"), "Ada").await;
        assert_eq!((status, &*code), (200, ""));
    }
    assert_eq!(pool.number("SELECT count(*) FROM touchies").await, 8);
}

/// A request that waits for a statement shares it with others.
async fn panic_while_rows_are_read_together_costs_one_user(database: TestDatabase) {
    const USERS: usize = 40;
    // Only one statement reads at a time.
    let pool = Pool::open(database.url(), 2).await;
    let people: Profiles<Unkept> = start(pool.clone()).await;
    let mut sessions = Vec::new();
    for user in 0..USERS {
        let name = if user == 17 { "decode" } else { "Ada" };
        insert(&pool, &format!("user_{user}"), name).await;
        sessions.push(session(&people, &format!("user_{user}"), name).await);
    }
    for _ in 0..5 {
        let answers = join_all(sessions.iter().map(|session| people.users.sync(session))).await;
        for (user, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.is_ok(), user != 17, "{user}: {answer:?}");
        }
    }
    people.users.sync(&sessions[0]).await.expect("it reads still");
}

async fn panic_while_a_row_is_read_for_one_request_costs_that_request(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    let people: Profiles<Single> = start(pool.clone()).await;
    insert(&pool, "user_again", "decode again").await;
    let again = session(&people, "user_again", "decode again").await;
    // Rows are cached once notifications arrive.
    let deadline = Instant::now() + Duration::from_secs(10);
    while people.users.sync(&again).await.expect("it syncs").outcome != SyncOutcome::Cached {
        assert!(Instant::now() < deadline, "no row is kept");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for round in 0..5 {
        IS_PANICKING.set(true);
        let panicked = people.users.sync(&again).await;
        assert!(matches!(panicked, Err(SyncError::Panicked)), "{panicked:?}");
        IS_PANICKING.set(false);
        people
            .users
            .sync(&again)
            .await
            .expect("the next request is answered");
        let ada = session(&people, &format!("user_{round}"), "Ada").await;
        people.users.sync(&ada).await.expect("another is answered");
    }
}

async fn panic_of_a_hook_costs_one_request(database: TestDatabase) {
    // An error is formatted only if it is logged.
    let log = Log::default();
    let _subscriber = tracing::subscriber::set_default(log.clone());
    let pool = Pool::open(database.url(), 1).await;
    let people: Profiles<Person> = start(pool.clone()).await;
    insert(&pool, "user_delete", "Ada").await;
    for round in 0..5 {
        let panicked = people
            .users
            .sync(&session(&people, "user_insert", "Ada").await)
            .await;
        assert!(matches!(panicked, Err(SyncError::Panicked)), "{panicked:?}");
        let panicked = people.users.delete(&UserId::new("user_delete")).await;
        assert!(matches!(panicked, Err(SyncError::Panicked)), "{panicked:?}");
        // The error panics while it is logged.
        let failed = people
            .users
            .sync(&session(&people, "user_unspeakable", "Ada").await)
            .await;
        assert!(matches!(failed, Err(SyncError::OnInsert(_))));
        let ada = session(&people, &format!("user_{round}"), "Ada").await;
        people.users.sync(&ada).await.expect("another is answered");
    }
    let lines = log.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("panicked as it was logged")),
        "{lines:#?}"
    );
    let rows = "SELECT count(*) FROM touchies WHERE clerk_id IN ('user_insert', 'user_unspeakable')";
    assert_eq!(pool.number(rows).await, 0);
    let kept = "SELECT count(*) FROM touchies WHERE clerk_id = 'user_delete' AND clerk_deleted_at IS NULL";
    assert_eq!(pool.number(kept).await, 1);
}

fn user(user_id: &str, name: &str) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(5));
    user["first_name"] = name.into();
    user
}

async fn panic_costs_one_delivery(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    let people: Profiles<Person> = start(pool.clone()).await;
    insert(&pool, "user_decode", "decode").await;
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(people.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&people.users, verifier));
    let deliver = async |user: Value| {
        let now = people.clock.now();
        let delivery = SignedDelivery::new(SECRET, &event("user.updated", user, now), now);
        let answer = router.clone().oneshot(delivery.request("/")).await;
        answer.expect("it answers").status()
    };
    for round in 0..5 {
        for (user_id, name) in [
            ("user_from_claim", "from_claim"),
            ("user_encode", "encode"),
            ("user_decode", "Ada"),
            ("user_insert", "Ada"),
            ("user_event", "Ada"),
            ("user_rolled_back", "Ada"),
            ("user_unspeakable", "Ada"),
        ] {
            let status = deliver(user(user_id, name)).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{user_id}");
        }
        let status = deliver(user(&format!("user_{round}"), "Ada")).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    assert_eq!(pool.number("SELECT count(*) FROM touchies").await, 6);
}

async fn panic_costs_one_user_of_an_import(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    // Creates the tables.
    let people: Profiles<Person> = start(pool.clone()).await;
    drop(people);
    let fake = FakeClerk::start().await.expect("a port is free");
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    let clerk = fake.clerk().build().expect("the configuration is right");
    let users: UserSync<Person> = match &pool {
        Pool::Postgres(pool) => {
            UserSync::builder(clerk, pool.clone())
                .on_insert(|_, user: &Person| Box::pin(hook(user.clerk_id.clone(), "user_insert")))
                .build()
                .await
        }
        Pool::Sqlite(pool) => {
            UserSync::builder(clerk, pool.clone())
                .on_insert(|_, user: &Person| Box::pin(hook(user.clerk_id.clone(), "user_insert")))
                .build()
                .await
        }
    }
    .expect("the table fits");
    for (user_id, name) in [("user_decode", "decode"), ("user_equal", "equal")] {
        insert(&pool, user_id, name).await;
    }
    for (user_id, name) in [
        ("user_from_claim", "from_claim"),
        ("user_encode", "encode"),
        ("user_decode", "Ada"),
        ("user_equal", "Ada"),
        ("user_insert", "Ada"),
        ("user_unspeakable", "Ada"),
    ] {
        fake.put_user(user(user_id, name));
    }
    for place in 0..20 {
        fake.put_user(user(&format!("user_{place}"), "Ada"));
    }
    // The reason of the first user of each page is logged.
    let log = Log::default();
    let _subscriber = tracing::subscriber::set_default(log.clone());
    let mut import = users.import(&api).page_size(1);
    let mut not_imported = BTreeMap::new();
    let mut inserted = 0;
    while let Some(step) = import.next().await {
        let step = step.expect("one user does not end the import");
        inserted = step.counts.inserted;
        for (user_id, reason) in step.not_imported {
            not_imported.insert(user_id.as_str().to_owned(), reason);
        }
    }
    assert_eq!(inserted, 20, "{not_imported:?}");
    assert_eq!(not_imported.len(), 6, "{not_imported:?}");
    for user_id in ["user_from_claim", "user_encode", "user_insert"] {
        assert!(
            matches!(not_imported[user_id], NotImported::Panicked),
            "{user_id}"
        );
    }
    for user_id in ["user_decode", "user_equal"] {
        assert!(
            matches!(not_imported[user_id], NotImported::UnreadableRow),
            "{user_id}"
        );
    }
}
