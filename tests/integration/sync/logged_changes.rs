//! Tests of the log of changed rows, with the user, the table and the cause, and of the text of errors that `main`
//! returns.

use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{Request, StatusCode};
use clerk_auth::backend_api::BackendApi;
use clerk_auth::clerk::ConfigurationError;
use clerk_auth::dev::StandIn;
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::schema::SchemaError;
use clerk_auth::testing::{FakeClerk, Issuer, SessionToken, SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::webhook::{SigningSecret, SigningSecretError, WebhookVerifier};
use clerk_auth::{Clerk, Session, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, issuer, token};
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

on_both_databases!(
    each_change_of_a_row_is_logged_once_with_the_user,
    error_of_a_missing_table_prints_sql_that_can_be_pasted,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

async fn deliver(profiles: &Profiles, event_type: &str, data: Value) -> StatusCode {
    let now = profiles.clock.now();
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let app: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
    app.oneshot(delivery.request("/"))
        .await
        .expect("it answers")
        .status()
}

/// Returns the lines that report the change of a row.
fn changes(log: &Log) -> Vec<String> {
    let lines = log.lines().into_iter();
    lines
        .filter(|line| {
            line.contains("inserted a") || line.contains("updated a") || line.contains("deleted a")
        })
        .collect()
}

async fn each_change_of_a_row_is_logged_once_with_the_user(database: TestDatabase) {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let profiles = Profiles::start(&database).await;
    for (name, version) in [("Ada", 5), ("Ada", 5), ("Augusta", 7), ("Ada", 5)] {
        let synced = profiles.sync(token("user_ada", name, version).claim("jti", version));
        synced.await.expect("it syncs");
    }
    let mut eve = user_object("user_eve", Timestamp::from_secs(5));
    for name in ["Eve", "Eve", "Evelyn"] {
        if eve["first_name"] != name {
            let version = eve["updated_at"].as_i64().unwrap_or_default();
            eve["updated_at"] = json!(version + 1);
        }
        eve["first_name"] = json!(name);
        assert_eq!(
            deliver(&profiles, "user.updated", eve.clone()).await,
            StatusCode::NO_CONTENT
        );
    }
    let gone = json!({ "object": "user", "id": "user_eve", "deleted": true });
    for _ in 0..2 {
        deliver(&profiles, "user.deleted", gone.clone()).await;
    }
    let ada = UserId::new("user_ada");
    for user_id in [&ada, &ada, &UserId::new("user_nobody")] {
        profiles.users.delete(user_id).await.expect("it is deleted");
    }

    let line = |level: &str, what: &str, user_id: &str, source: &str| {
        format!(r#"{level} message={what} users_table="profiles" user_id="{user_id}" source="{source}""#)
    };
    let (inserted, updated) = ("inserted a user's row", "updated a user's row");
    let deleted = "deleted a user, whose tokens are refused from now on";
    assert_eq!(
        changes(&log),
        [
            line("INFO", inserted, "user_ada", "request"),
            line("DEBUG", updated, "user_ada", "request"),
            line("INFO", inserted, "user_eve", "webhook"),
            line("DEBUG", updated, "user_eve", "webhook"),
            line("INFO", deleted, "user_eve", "webhook"),
            line("INFO", deleted, "user_ada", "application"),
        ]
    );
    for line in log.lines() {
        assert!(!line.contains("Profile"), "the struct's name says little: {line}");
        assert!(!line.contains("Augusta") && !line.contains("Evelyn"), "{line}");
    }
}

async fn error_of_a_missing_table_prints_sql_that_can_be_pasted(database: TestDatabase) {
    let clerk = Issuer::new("https://clerk.example.com").clerk();
    let pool = Pool::open(database.url(), 1).await;
    pool.execute("DROP TABLE profiles").await;
    let started = match &pool {
        Pool::Postgres(pool) => UserSync::<Profile>::new(clerk, pool.clone()).await.map(drop),
        Pool::Sqlite(pool) => UserSync::<Profile>::new(clerk, pool.clone()).await.map(drop),
    };
    let error: SchemaError = started.expect_err("there is no table");
    // The output of `fn main() -> Result<(), Box<dyn Error>>`.
    let printed = format!("{:?}", Box::<dyn std::error::Error>::from(error));
    let sql = printed.find("CREATE TABLE").map(|start| &printed[start..]);
    let sql = sql.expect("it holds the statement");
    assert!(!sql.contains('\\'), "{printed}");
    pool.execute(sql.trim()).await;
}

#[test]
fn errors_of_the_configuration_print_their_text() {
    let error: ConfigurationError = Clerk::builder().build().expect_err("no instance is given");
    let secret: SigningSecretError = "whsec_C2FV".parse::<SigningSecret>().expect_err("it is short");
    let stand_in = StandIn::new("http://0.0.0.0:1", &[]).expect_err("it is no loopback");
    for (debug, text) in [
        (format!("{error:?}"), error.to_string()),
        (format!("{secret:?}"), secret.to_string()),
        (format!("{stand_in:?}"), stand_in.to_string()),
    ] {
        assert_eq!(debug, text);
    }
}

#[tokio::test]
async fn import_logs_each_row_at_debug() {
    let fake = FakeClerk::start().await.expect("it starts");
    fake.put_user(user_object("user_ada", Timestamp::from_secs(5)));
    let database = TestDatabase::sqlite();
    let Pool::Sqlite(pool) = Pool::open(database.url(), 2).await else {
        panic!("it is SQLite");
    };
    let clerk = fake.clerk().build().expect("the configuration is right");
    let users = UserSync::<Profile>::new(clerk, pool)
        .await
        .expect("the table fits");
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_x").expect("the address is right");
    users.import(&api).run().await.expect("it imports");
    let line =
        r#"DEBUG message=inserted a user's row users_table="profiles" user_id="user_ada" source="import""#;
    assert_eq!(changes(&log), [line]);
}

/// Collects the fields of spans, including those that are recorded later.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        self.0.lock().expect("nothing panicked").push(fields.0);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let name = context.span(id).expect("the span is known").name();
        let mut fields = Fields(name.to_owned());
        record.record(&mut fields);
        self.0.lock().expect("nothing panicked").push(fields.0);
    }
}

#[tokio::test]
async fn spans_carry_the_user_id() {
    #[authenticated]
    async fn whoami(session: Session) -> String {
        session.user_id().to_string()
    }

    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans.clone()));
    let clerk = issuer().clerk();
    let app: Router = clerk_auth::routing::Router::new()
        .route("/", clerk_auth::routing::get(whoami))
        .with_state(clerk)
        .into();
    let token = token("user_ada", "Ada", 5).issued_at(SystemClock.now()).sign();
    for authorization in [format!("Bearer {token}"), "Bearer x".to_owned()] {
        let request = Request::get("/").header(AUTHORIZATION, authorization);
        let request = request.body(Body::empty()).expect("it is a request");
        // As a team's own tracing layer does.
        let span = tracing::info_span!("request", user_id = tracing::field::Empty);
        app.clone()
            .oneshot(request)
            .instrument(span)
            .await
            .expect("it answers");
    }
    let profiles = Profiles::start(&TestDatabase::sqlite()).await;
    profiles.sync(token_of_bob()).await.expect("it syncs");
    let gone = json!({ "object": "user", "id": "user_eve", "deleted": true });
    deliver(&profiles, "user.deleted", gone).await;

    let spans = spans.0.lock().expect("nothing panicked").clone();
    let named = |name: &str| {
        spans
            .iter()
            .filter(|span| span.starts_with(name))
            .collect::<Vec<_>>()
    };
    let request = r#"request user_id="user_ada""#;
    assert_eq!(named("request"), ["request", request, "request"]);
    assert_eq!(
        named("user_sync"),
        [r#"user_sync users_table="profiles" user_id="user_bob""#]
    );
    let webhooks = named("clerk_webhook");
    assert_eq!(webhooks.len(), 1, "{spans:?}");
    assert!(
        webhooks[0].contains(r#"users_table="profiles" user_id="user_eve" delivery="msg_"#),
        "{spans:?}"
    );
}

fn token_of_bob() -> SessionToken<'static> {
    token("user_bob", "Bob", 5)
}
