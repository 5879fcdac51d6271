//! Tests of fields of the application's own types: the table that the library creates passes the check at start-up, and
//! stores a user.

use std::str::FromStr;

use clerk_auth::claim::{FromClaim, Integer, InvalidClaim, Text};
use clerk_auth::row::StoredIn;
use clerk_auth::schema;
use clerk_auth::sync::SyncOutcome;
use clerk_auth::{Clerk, Session, SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::{Pool, issuer};
use serde_json::{Value, json};

/// An enum of PostgreSQL under its own name, which begins with a capital letter.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "\"Mood\"", rename_all = "lowercase")]
enum Mood {
    Glad,
    Sad,
}

impl FromClaim<Text> for Mood {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        match text {
            "glad" => Ok(Self::Glad),
            "sad" => Ok(Self::Sad),
            _ => Err(InvalidClaim::new("the mood is unknown")),
        }
    }
}

/// An enum in a separate schema, under another name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "billing.plan_of_user", rename_all = "kebab-case")]
enum Plan {
    Free,
    ForTeams,
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(if text == "for-teams" {
            Self::ForTeams
        } else {
            Self::Free
        })
    }
}

/// A number in the text of a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Badge(i64);

impl FromStr for Badge {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A number whose column is smaller than the claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Level(i32);

impl FromClaim<Integer> for Level {
    fn from_claim(level: i64) -> Result<Self, InvalidClaim> {
        let level = i32::try_from(level);
        level
            .map(Self)
            .map_err(|_| InvalidClaim::new("the level is too high"))
    }
}

/// A text with a validation rule.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Address(String);

impl FromClaim<Text> for Address {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        text.contains('@')
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidClaim::new("the address has no @"))
    }
}

/// A text whose column type the struct names.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "varchar")]
struct Label(String);

fn label(claim: Option<&Value>) -> Result<Label, InvalidClaim> {
    Ok(Label(claim.and_then(Value::as_str).unwrap_or("none").to_owned()))
}

#[derive(Clone, Debug, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{
        "mood": "{{user.public_metadata.mood || 'glad'}}",
        "otherMood": "{{user.username}}",
        "plan": "{{user.first_name || 'free'}}",
        "badge": "{{user.last_name}}",
        "address": "{{user.primary_email_address}}",
        "level": 3,
        "small": 7,
        "label": "{{user.public_metadata.label}}",
        "updatedAt": "{{user.updated_at}}"
    }"#,
    database(postgres)
)]
struct Person {
    clerk_id: String,
    #[claim(with = mood)]
    mood: Mood,
    other_mood: Option<Mood>,
    #[claim(parse)]
    plan: Plan,
    #[claim(parse)]
    badge: Option<Badge>,
    address: Option<Address>,
    #[claim("address")]
    #[column(sql_type = "address_of_mail")]
    address_in_a_domain: Option<Address>,
    level: Level,
    small: i8,
    #[claim(with = label)]
    label: Label,
}

fn mood(claim: &Value) -> Result<Mood, InvalidClaim> {
    Mood::from_claim(claim.as_str().unwrap_or_default())
}

fn person() -> Person {
    Person {
        clerk_id: "user_ada".to_owned(),
        mood: Mood::Sad,
        other_mood: Some(Mood::Sad),
        plan: Plan::ForTeams,
        badge: Some(Badge(42)),
        address: Some(Address("ada@example.com".to_owned())),
        address_in_a_domain: Some(Address("ada@example.com".to_owned())),
        level: Level(3),
        small: 7,
        label: Label("founder".to_owned()),
    }
}

const TYPES: &str = "CREATE TYPE \"Mood\" AS ENUM ('glad', 'sad'); CREATE SCHEMA billing; \
     CREATE TYPE billing.plan_of_user AS ENUM ('free', 'for-teams'); \
     CREATE DOMAIN address_of_mail AS TEXT CHECK (VALUE LIKE '%@%')";

#[tokio::test]
async fn created_table_passes_its_own_check_on_postgres() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute(TYPES).await;
    pool.execute(&Person::migration_sql::<sqlx::Postgres>()).await;
    let postgres = pool.postgres();
    let problems = schema::diff::<Person, _>(postgres).await;
    assert_eq!(problems.expect("the database answers"), []);

    let users = UserSync::<Person>::new(clerk(), postgres.clone()).await;
    let users = users.expect("the table fits");
    let synced = users.sync(&session(claims()).await).await.expect("it syncs");
    assert_eq!((synced.user, synced.outcome), (person(), SyncOutcome::Inserted));
    let again = users.sync(&session(claims()).await).await.expect("it syncs");
    assert_eq!((again.user, again.outcome), (person(), SyncOutcome::Unchanged));
}

/// The application defines the values of an enum, so the library advises no statement that creates it.
#[tokio::test]
async fn missing_type_is_named_and_the_advice_succeeds_after_it_is_created() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    let postgres = pool.postgres();
    let diff = async || {
        let problems = schema::diff::<Person, _>(postgres).await;
        problems.expect("the database answers")
    };
    let problems = diff().await;
    for expected in [
        r#"there is no type `"Mood"`"#,
        "there is no type `billing.plan_of_user`",
        "CREATE TYPE billing.plan_of_user AS ENUM (…)",
    ] {
        let is_reported = problems.iter().any(|problem| problem.message.contains(expected));
        assert!(is_reported, "{expected}: {problems:?}");
    }
    pool.execute(TYPES).await;
    // The table as an earlier version of the library created it.
    let text = Person::migration_sql::<sqlx::Postgres>()
        .replace("\"Mood\"", "TEXT")
        .replace("billing.plan_of_user", "TEXT");
    pool.execute(&text).await;
    let sql: Vec<String> = diff()
        .await
        .into_iter()
        .filter_map(|problem| problem.fix)
        .collect();
    assert_eq!(sql.len(), 3, "{sql:?}");
    for sql in &sql {
        pool.execute(sql).await;
    }
    assert_eq!(diff().await, []);
}

#[derive(Clone, Debug, PartialEq, SyncedUser)]
#[synced_user(
    table = "members",
    template_json = r#"{
        "mood": "{{user.username || 'glad'}}",
        "badge": "{{user.last_name}}",
        "level": 3,
        "small": 7,
        "large": 8,
        "updatedAt": "{{user.updated_at}}"
    }"#,
    database(sqlite)
)]
struct Member {
    clerk_id: String,
    mood: Mood,
    #[claim(parse)]
    badge: Option<Badge>,
    level: Level,
    small: i8,
    large: u32,
}

#[tokio::test]
async fn created_table_passes_its_own_check_on_sqlite() {
    let database = TestDatabase::sqlite();
    let pool = Pool::open(database.url(), 2).await;
    pool.execute(&<Member as StoredIn<sqlx::Sqlite>>::create_table())
        .await;
    let Pool::Sqlite(sqlite) = &pool else {
        panic!("it is SQLite");
    };
    let users = UserSync::<Member>::new(clerk(), sqlite.clone()).await;
    let users = users.expect("the table fits");
    let expected = Member {
        clerk_id: "user_ada".to_owned(),
        mood: Mood::Sad,
        badge: Some(Badge(42)),
        level: Level(3),
        small: 7,
        large: 8,
    };
    let claims = json!({ "mood": "sad", "badge": "42", "level": 3, "small": 7, "large": 8, "updatedAt": 1_700_000_000 });
    for outcome in [SyncOutcome::Inserted, SyncOutcome::Cached] {
        let synced = users
            .sync(&session(claims.clone()).await)
            .await
            .expect("it syncs");
        assert_eq!((synced.user, synced.outcome), (expected.clone(), outcome));
    }
}

fn clerk() -> Clerk {
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem());
    clerk.build().expect("the configuration is right")
}

/// Creates Ada's session, with these claims of the template.
async fn session(claims: Value) -> Session {
    let Value::Object(claims) = claims else {
        panic!("claims are an object");
    };
    let token = claims
        .into_iter()
        .fold(issuer().token("user_ada"), |token, (name, value)| {
            token.claim(&name, value)
        });
    let bearer = format!("Bearer {}", token.sign());
    let headers = [(
        axum::http::header::AUTHORIZATION,
        bearer.parse().expect("a header value"),
    )];
    clerk()
        .authenticate(&headers.into_iter().collect())
        .await
        .expect("it verifies")
}

fn claims() -> Value {
    json!({
        "mood": "sad", "otherMood": "sad", "plan": "for-teams", "badge": "42", "address": "ada@example.com", "level": 3,
        "small": 7, "label": "founder", "updatedAt": 1_700_000_000,
    })
}
