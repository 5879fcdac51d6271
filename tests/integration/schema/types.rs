//! Tests that every type of a claim is stored in both databases and read back.

use std::sync::Arc;

use clerk_auth::backend_api::BackendApi;
use clerk_auth::sync::SyncOutcome;
use clerk_auth::testing::{FakeClerk, Issuer, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use serde_json::{Map, Value, json};
use sqlx::types::Json;

on_both_databases!(
    every_type_is_written_once_and_read_back,
    null_is_null_in_the_database_too,
    value_that_a_type_cannot_hold_is_refused_by_name,
    many_rows_of_every_type_are_written_in_one_statement,
);

#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
struct Settings {
    theme: String,
}

#[derive(Debug, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    database(postgres, sqlite),
    allow(unbounded_claims),
    template_json = r#"{
        "anything": "{{user.public_metadata.anything}}",
        "boxed": "{{user.id}}",
        "created": "{{user.created_at}}",
        "createdToo": "{{user.created_at}}",
        "level": 3,
        "maybe": "{{user.public_metadata.maybe}}",
        "picture": "{{user.image_url}}",
        "ratio": 1.5,
        "settings": "{{user.public_metadata}}",
        "shape": "{{user.unsafe_metadata}}",
        "shared": "{{user.id}}",
        "site": "{{user.username}}",
        "unique": "{{user.external_id}}",
        "updatedAt": "{{user.updated_at}}",
        "verified": "{{user.email_verified}}"
    }"#
)]
struct Person {
    #[column(generated)]
    id: i32,
    clerk_id: String,
    anything: Option<Value>,
    boxed: Box<str>,
    shared: Arc<str>,
    verified: bool,
    level: i16,
    #[claim("level")]
    level_as_float: f64,
    ratio: f64,
    created: time::OffsetDateTime,
    created_too: chrono::DateTime<chrono::Utc>,
    unique: Option<uuid::Uuid>,
    #[column(text)]
    picture: url::Url,
    #[column(text)]
    site: Option<url::Url>,
    settings: Json<Settings>,
    #[column(json)]
    shape: Settings,
    #[column(json)]
    maybe: Option<Settings>,
    #[column(json, app)]
    tags: Option<Vec<String>>,
    #[column(json, app)]
    preferences: Map<String, Value>,
    #[column(app)]
    joined: chrono::DateTime<chrono::Utc>,
    #[column(generated)]
    made: time::OffsetDateTime,
    #[column(generated)]
    code: String,
}

struct People {
    issuer: Issuer,
    clerk: Clerk,
    users: UserSync<Person>,
    database: Database,
}

enum Database {
    Postgres(sqlx::PgPool),
    Sqlite(sqlx::SqlitePool),
}

impl People {
    async fn new(files: &TestDatabase) -> Self {
        let issuer = Issuer::new("https://clerk.example.com");
        let clerk = Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
            .build()
            .expect("the configuration is right");
        if files.is_sqlite() {
            let url = format!("{}?mode=rwc", files.url());
            let pool = sqlx::SqlitePool::connect(&url).await.expect("it opens");
            sqlx::raw_sql(sqlx::AssertSqlSafe(Person::migration_sql::<sqlx::Sqlite>()))
                .execute(&pool)
                .await
                .expect("the DDL runs");
            Self {
                users: UserSync::new(clerk.clone(), pool.clone())
                    .await
                    .expect("the table fits"),
                database: Database::Sqlite(pool),
                issuer,
                clerk,
            }
        } else {
            let pool = sqlx::PgPool::connect(files.url()).await.expect("it opens");
            sqlx::raw_sql(sqlx::AssertSqlSafe(Person::migration_sql::<sqlx::Postgres>()))
                .execute(&pool)
                .await
                .expect("the DDL runs");
            Self {
                users: UserSync::new(clerk.clone(), pool.clone())
                    .await
                    .expect("the table fits"),
                database: Database::Postgres(pool),
                issuer,
                clerk,
            }
        }
    }

    async fn sync(&self, changed: Value) -> Result<(Person, SyncOutcome), String> {
        let mut claims = self.issuer.claims("user_ada", SystemClock.now());
        for further in [whole(), changed] {
            let Value::Object(further) = further else {
                panic!("claims are an object");
            };
            claims.extend(further);
        }
        let bearer = format!("Bearer {}", self.issuer.sign(&claims));
        let headers = [("authorization", bearer)];
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse().expect("a header"),
                    value.parse().expect("a header value"),
                )
            })
            .collect();
        let session = self.clerk.authenticate(&headers).await.expect("it verifies");
        let synced = self.users.sync(&session).await;
        synced
            .map(|synced| (synced.user, synced.outcome))
            .map_err(|error| error.to_string())
    }

    async fn nulls(&self) -> i64 {
        let sql =
            r#"SELECT COUNT(*) FROM "people" WHERE "maybe" IS NULL AND "tags" IS NULL AND "site" IS NULL"#;
        let count = match &self.database {
            Database::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
            Database::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
        };
        count.expect("the rows can be counted")
    }
}

fn whole() -> Value {
    json!({
        "anything": [1, "two"],
        "boxed": "user_ada",
        "created": 1_700_000_000,
        "createdToo": 1_700_000_000,
        "level": 3,
        "maybe": { "theme": "light" },
        "picture": "https://img.example.com/ada?a=b",
        "ratio": 1.5,
        "settings": { "theme": "dark", "more": true },
        "shape": { "theme": "dark" },
        "shared": "user_ada",
        "site": "https://ada.example.com/",
        "unique": "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "updatedAt": 1_700_000_000,
        "verified": true,
    })
}

async fn every_type_is_written_once_and_read_back(files: TestDatabase) {
    let people = People::new(&files).await;
    let (written, outcome) = people.sync(json!({})).await.expect("it is synced");
    assert_eq!(outcome, SyncOutcome::Inserted);
    let theme = |theme: &str| Settings {
        theme: theme.to_owned(),
    };
    let created = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time");
    let expected = Person {
        id: 1,
        clerk_id: "user_ada".to_owned(),
        anything: Some(json!([1, "two"])),
        boxed: "user_ada".into(),
        shared: "user_ada".into(),
        verified: true,
        level: 3,
        level_as_float: 3.0,
        ratio: 1.5,
        created,
        created_too: chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
        unique: Some(uuid::uuid!("67e55044-10b1-426f-9247-bb680e5fe0c8")),
        picture: "https://img.example.com/ada?a=b".parse().expect("a URL"),
        site: Some("https://ada.example.com".parse().expect("a URL")),
        settings: Json(theme("dark")),
        shape: theme("dark"),
        maybe: Some(theme("light")),
        tags: None,
        preferences: Map::new(),
        joined: written.joined,
        made: written.made,
        code: written.code.clone(),
    };
    assert!(!written.code.is_empty());
    assert_eq!(written, expected);
    // The value read equals the value written, so the second sync writes nothing.
    let (read, outcome) = people.sync(json!({})).await.expect("it is synced");
    assert_eq!((read, outcome), (expected, SyncOutcome::Unchanged));
}

async fn null_is_null_in_the_database_too(files: TestDatabase) {
    let people = People::new(&files).await;
    people.sync(json!({})).await.expect("it is synced");
    assert_eq!(people.nulls().await, 0);
    let (person, outcome) = people
        .sync(json!({ "maybe": null, "site": null, "updatedAt": 1_700_000_001 }))
        .await
        .expect("it is synced");
    assert_eq!((person.maybe, person.site), (None, None));
    assert_eq!(outcome, SyncOutcome::Updated);
    assert_eq!(people.nulls().await, 1);
}

async fn value_that_a_type_cannot_hold_is_refused_by_name(files: TestDatabase) {
    let people = People::new(&files).await;
    for (claim, value, reason) in [
        ("level", json!(40_000), "the number does not fit in i16"),
        (
            "created",
            json!(i64::MAX),
            "expected a Unix time in seconds, found a number out of range",
        ),
        (
            "createdToo",
            json!(i64::MAX),
            "expected a Unix time in seconds, found a number out of range",
        ),
        ("unique", json!("seven"), "expected a UUID, found other text"),
        (
            "picture",
            json!("/relative"),
            "expected an absolute URL, found other text",
        ),
        (
            "shape",
            json!({}),
            "the JSON has another shape than the field's type",
        ),
        (
            "settings",
            json!({ "theme": 1 }),
            "the JSON has another shape than the field's type",
        ),
        ("ratio", json!("1.5"), "is text, but the template declares number"),
    ] {
        let error = people.sync(json!({ claim: value })).await.expect_err(claim);
        assert!(error.contains(&format!("claim `{claim}` ")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

async fn many_rows_of_every_type_are_written_in_one_statement(files: TestDatabase) {
    let people = People::new(&files).await;
    let fake = FakeClerk::start().await.expect("a port is free");
    let clerk = fake.clerk().build().expect("the configuration is right");
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("they are right");
    let users: UserSync<Person> = match &people.database {
        Database::Postgres(pool) => UserSync::new(clerk, pool.clone()).await,
        Database::Sqlite(pool) => UserSync::new(clerk, pool.clone()).await,
    }
    .expect("the table fits");
    people.sync(json!({})).await.expect("it is synced");
    let user = |id: &str, maybe: Value, site: Value| {
        let mut user = user_object(id, Timestamp::from_secs(1_700_000_001));
        user["created_at"] = 1_700_000_000_000_i64.into();
        user["external_id"] = "67e55044-10b1-426f-9247-bb680e5fe0c8".into();
        user["username"] = site;
        user["public_metadata"] =
            json!({ "anything": [1, "two"], "maybe": maybe, "theme": "dark", "more": true });
        user["unsafe_metadata"] = json!({ "theme": "dark" });
        user
    };
    let light = json!({ "theme": "light" });
    // A null and a value are in one statement, in each order: a column's parameter has the same type in all rows.
    fake.put_user(user("user_ada", Value::Null, "https://ada.example.com/".into()));
    fake.put_user(user("user_bob", light.clone(), Value::Null));
    fake.put_user(user("user_eve", Value::Null, "https://eve.example.com/".into()));
    fake.put_user(user("user_zoe", light, Value::Null));
    let counts = users.import(&api).run().await.expect("it is imported");
    assert_eq!((counts.inserted, counts.updated), (3, 1), "{counts}");
    // The values read equal the values written.
    let counts = users.import(&api).run().await.expect("it is imported");
    assert_eq!((counts.unchanged, counts.total()), (4, 4), "{counts}");
    assert!(users.verify(&api).await.expect("it is verified").is_empty());
}
