//! The meaning of a failure to the caller, the log, the counters, a webhook and an import: each follows from its kind.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRef;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{Request, StatusCode};
use clerk_auth::backend_api::BackendApi;
use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
use clerk_auth::routing::webhooks;
use clerk_auth::sync::NotImported;
use clerk_auth::testing::{FakeClerk, SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use serde_json::{Value, json};
use tower::ServiceExt;

on_both_databases!(
    data_that_the_database_refuses_has_a_code_of_its_own,
    claim_that_can_never_fit_has_a_code_of_its_own,
    statement_that_the_database_refuses_has_a_code_of_its_own,
    row_that_the_struct_cannot_hold_has_a_code_of_its_own,
    webhook_and_import_follow_from_the_same_kind,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A value that no log may contain.
const VALUE: &str = "Confidential";

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "guests",
    template_json = r#"{
        "name": "{{user.first_name}}", "external": "{{user.external_id}}", "rank": "{{user.username}}",
        "settings": "{{user.public_metadata.settings}}", "updatedAt": "{{user.updated_at}}"
    }"#,
    allow(unbounded_claims),
    fresh_for = "0s",
    database(postgres, sqlite)
)]
struct Guest {
    clerk_id: String,
    name: Option<String>,
    external: Option<uuid::Uuid>,
    #[column(text)]
    rank: Option<Rank>,
    settings: Option<Value>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rank {
    Member,
    Admin,
}

impl FromClaim<Text> for Rank {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        text.parse()
    }
}

impl std::str::FromStr for Rank {
    type Err = InvalidClaim;

    fn from_str(text: &str) -> Result<Self, InvalidClaim> {
        match text {
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            _ => Err(InvalidClaim::new("no rank is called so")),
        }
    }
}

impl std::fmt::Display for Rank {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Member => "member",
            Self::Admin => "admin",
        })
    }
}

#[derive(Clone, FromRef)]
struct State {
    clerk: Clerk,
    users: UserSync<Guest>,
}

#[authenticated(state = State)]
async fn me(user: Guest) -> String {
    format!("{user:?} {}", user.clerk_id)
}

struct Fixture {
    guests: Profiles<Guest>,
    router: Router,
}

impl Fixture {
    async fn start(database: &TestDatabase) -> Self {
        let pool = Pool::open(database.url(), 3).await;
        let tables = match pool {
            Pool::Postgres(_) => Guest::migration_sql::<sqlx::Postgres>(),
            Pool::Sqlite(_) => Guest::migration_sql::<sqlx::Sqlite>(),
        };
        pool.execute(&tables.replace("CREATE TABLE \"", "CREATE TABLE IF NOT EXISTS \""))
            .await;
        let guests: Profiles<Guest> = Profiles::of_table(pool, |it| it, |it| it).await;
        let state = State {
            clerk: guests.clerk().clone(),
            users: guests.users.clone(),
        };
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(guests.clock.clone());
        let router = Router::new()
            .route("/me", axum::routing::get(me))
            .route("/webhook", webhooks(&guests.users, verifier))
            .with_state(state);
        Self { guests, router }
    }

    /// Returns the answer to a user with these claims: status, code and whether `Retry-After` is set.
    async fn answer(&self, user_id: &str, claims: &Value) -> (u16, String, bool) {
        let mut token = issuer()
            .token(user_id)
            .issued_at(self.guests.clock.now())
            .claim("name", "Ada")
            .claim("external", Value::Null)
            .claim("rank", Value::Null)
            .claim("settings", Value::Null)
            .claim("updatedAt", 5);
        for (name, value) in claims.as_object().expect("an object") {
            token = token.claim(name, value.clone());
        }
        let request = Request::get("/me").header(AUTHORIZATION, format!("Bearer {}", token.sign()));
        let request = request.body(Body::empty()).expect("it is a request");
        let response = self.router.clone().oneshot(request).await.expect("it answers");
        let (status, retry) = (response.status(), response.headers().contains_key(RETRY_AFTER));
        let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = problem.to_string();
        assert!(!text.contains(VALUE) && !text.contains("guests"), "{text}");
        let code = problem["code"].as_str().unwrap_or_default().to_owned();
        (status.as_u16(), code, retry)
    }

    async fn deliver(&self, user: &Value) -> StatusCode {
        let now = self.guests.clock.now();
        let delivery = SignedDelivery::new(SECRET, &event("user.updated", user.clone(), now), now);
        let answer = self.router.clone().oneshot(delivery.request("/webhook")).await;
        answer.expect("it answers").status()
    }

    fn is_postgres(&self) -> bool {
        matches!(self.guests.pool, Pool::Postgres(_))
    }
}

/// Asserts that no line contains a value, and one line contains the user id and all of these names.
fn logged(log: &Log, user_id: &str, names: &[&str]) {
    let lines = log.lines();
    let names_all = |line: &String| line.contains(user_id) && names.iter().all(|name| line.contains(name));
    assert!(lines.iter().any(names_all), "{user_id} {names:?} {lines:#?}");
    assert!(lines.iter().all(|line| !line.contains(VALUE)), "{lines:#?}");
}

async fn data_that_the_database_refuses_has_a_code_of_its_own(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    let pool = &it.guests.pool;
    let long = format!("{VALUE}{}", "x".repeat(80));
    let mut refused = vec![
        (
            "user_check",
            json!({ "name": format!("{VALUE} check") }),
            vec!["name_is_public"],
        ),
        (
            "user_trigger",
            json!({ "name": format!("{VALUE} trigger") }),
            vec![],
        ),
    ];
    if it.is_postgres() {
        pool.execute(&format!(
            "ALTER TABLE guests ADD CONSTRAINT name_is_public CHECK (name NOT LIKE '{VALUE} check'); \
             ALTER TABLE guests ALTER name TYPE varchar(40); \
             CREATE DOMAIN plain AS jsonb CHECK (VALUE::text NOT LIKE '%{VALUE}%'); \
             ALTER TABLE guests ALTER settings TYPE plain; \
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE '% trigger' THEN \
             RAISE EXCEPTION 'no %', NEW.name; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON guests FOR EACH ROW EXECUTE FUNCTION refuse()"
        ))
        .await;
        refused.extend([
            ("user_long", json!({ "name": long }), vec!["22001"]),
            ("user_nul", json!({ "name": format!("{VALUE}\0") }), vec!["22021"]),
            (
                "user_nul_json",
                json!({ "settings": format!("{VALUE}\0") }),
                vec!["22P05"],
            ),
            ("user_domain", json!({ "settings": VALUE }), vec!["plain_check"]),
        ]);
    } else {
        // SQLite cannot add a constraint to a table.
        pool.execute(&format!(
            "DROP TABLE guests; CREATE TABLE guests (clerk_id TEXT NOT NULL UNIQUE, \
             name TEXT CONSTRAINT name_is_public CHECK (name NOT LIKE '{VALUE} check'), external BLOB, \
             rank TEXT, settings TEXT, clerk_version BIGINT NOT NULL, clerk_deleted_at DATETIME); \
             CREATE TRIGGER refuse BEFORE INSERT ON guests WHEN NEW.name LIKE '% trigger' \
             BEGIN SELECT RAISE(ABORT, 'no {VALUE}'); END"
        ))
        .await;
    }
    for (user_id, claims, names) in refused {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        // More often than the circuit breaker tolerates.
        for _ in 0..4 {
            let answer = it.answer(user_id, &claims).await;
            assert_eq!(answer, (422, "user_data_refused".to_owned(), false), "{user_id}");
        }
        drop(guard);
        logged(&log, user_id, &names);
    }
    assert_eq!(it.answer("user_ada", &json!({})).await.0, 200);
    // A change is refused like an insertion, and the row stays.
    let changed = json!({ "name": format!("{VALUE} check"), "updatedAt": 7 });
    assert_eq!(it.answer("user_ada", &changed).await.1, "user_data_refused");
    let name = pool
        .text("SELECT name FROM guests WHERE clerk_id = 'user_ada'")
        .await;
    assert_eq!(name.as_deref(), Some("Ada"));
}

async fn claim_that_can_never_fit_has_a_code_of_its_own(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    for (user_id, claim, value) in [
        ("user_text", "external", json!(format!("{VALUE}-7"))),
        ("user_empty", "external", json!("")),
        ("user_rank", "rank", json!(VALUE)),
    ] {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let answer = it.answer(user_id, &json!({ claim: value })).await;
        drop(guard);
        assert_eq!(
            answer,
            (422, "claim_invalid".to_owned(), false),
            "{claim} {value}"
        );
        logged(&log, user_id, &[claim]);
        assert!(
            log.lines().iter().all(|line| !line.contains("paste")),
            "{:?}",
            log.lines()
        );
    }
    // The template is at fault, even if other claims are wrong too.
    for claims in [
        json!({ "external": 7 }),
        json!({ "name": "{{user.frist_name}}", "rank": VALUE }),
        json!({ "updatedAt": null }),
    ] {
        let answer = it.answer("user_template", &claims).await;
        assert_eq!(
            answer,
            (503, "session_token_incomplete".to_owned(), true),
            "{claims}"
        );
    }
}

async fn statement_that_the_database_refuses_has_a_code_of_its_own(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    assert_eq!(it.answer("user_ada", &json!({})).await.0, 200);
    for (breaking, mending) in [
        (
            "ALTER TABLE guests RENAME name TO title",
            "ALTER TABLE guests RENAME title TO name",
        ),
        (
            "ALTER TABLE guests RENAME TO visitors",
            "ALTER TABLE visitors RENAME TO guests",
        ),
    ] {
        it.guests.pool.execute(breaking).await;
        for _ in 0..4 {
            let answer = it.answer("user_ada", &json!({ "updatedAt": 9 })).await;
            assert_eq!(answer, (503, "statement_refused".to_owned(), true), "{breaking}");
        }
        it.guests.pool.execute(mending).await;
        assert_eq!(it.answer("user_ada", &json!({})).await.0, 200, "{mending}");
    }
}

async fn row_that_the_struct_cannot_hold_has_a_code_of_its_own(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    assert_eq!(it.answer("user_ada", &json!({ "rank": "admin" })).await.0, 200);
    it.guests
        .pool
        .execute(&format!("UPDATE guests SET rank = '{VALUE}'"))
        .await;
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    for _ in 0..4 {
        let answer = it.answer("user_ada", &json!({ "rank": "admin" })).await;
        assert_eq!(answer, (500, "user_unreadable".to_owned(), false));
    }
    drop(guard);
    logged(&log, "user_ada", &[]);
    assert_eq!(it.answer("user_eve", &json!({})).await.0, 200);
}

async fn webhook_and_import_follow_from_the_same_kind(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    let fake = FakeClerk::start().await.expect("a port is free");
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    let clerk = fake.clerk().build().expect("the configuration is right");
    let users: UserSync<Guest> = match &it.guests.pool {
        Pool::Postgres(pool) => UserSync::new(clerk, pool.clone()).await,
        Pool::Sqlite(pool) => UserSync::new(clerk, pool.clone()).await,
    }
    .expect("the table fits");
    let refusing = match &it.guests.pool {
        Pool::Postgres(_) => "ALTER TABLE guests ADD CONSTRAINT name_is_public CHECK (name <> 'Refused')",
        Pool::Sqlite(_) => {
            "CREATE TRIGGER refuse BEFORE INSERT ON guests WHEN NEW.name = 'Refused' \
             BEGIN SELECT RAISE(ABORT, 'no'); END"
        }
    };
    it.guests.pool.execute(refusing).await;
    let mut all = Vec::new();
    for (place, (member, value, status)) in [
        ("first_name", json!("Ada"), StatusCode::NO_CONTENT),
        ("first_name", json!("Refused"), StatusCode::NO_CONTENT),
        ("external_id", json!("seven"), StatusCode::NO_CONTENT),
        ("username", json!("emperor"), StatusCode::NO_CONTENT),
        ("username", json!("member"), StatusCode::NO_CONTENT),
    ]
    .into_iter()
    .enumerate()
    {
        let mut user = user_object(&format!("user_{place}"), Timestamp::from_secs(5));
        (user["username"], user["external_id"]) = (Value::Null, Value::Null);
        user[member] = value;
        assert_eq!(it.deliver(&user).await, status, "{member}");
        all.push(user);
    }
    assert_eq!(it.guests.pool.number("SELECT count(*) FROM guests").await, 2);
    for user in all {
        fake.put_user(user);
    }
    let mut import = users.import(&api);
    let step = import.next().await.expect("there are users").expect("it goes on");
    assert_eq!((step.counts.unchanged, step.counts.skipped), (2, 3), "{step:?}");
    for (id, reason) in &step.not_imported {
        match (id.as_str(), reason) {
            ("user_1", NotImported::Refused { code: Some(_), .. })
            | ("user_2" | "user_3", NotImported::Claims(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}
