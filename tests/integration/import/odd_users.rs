//! Users whose objects Clerk can send, but that no struct, parser or database accepts. They do not break a page of an
//! import for other users, and clear none of their own columns.

use std::collections::BTreeMap;

use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::claim::{ClaimSource, UnreadableClaims};
use clerk_auth::id::UserId;
use clerk_auth::sync::{ImportCounts, ImportError, NotImported};
use clerk_auth::testing::{FakeClerk, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::{SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

on_both_databases!(
    unreadable_member_affects_only_its_column,
    any_user_written_text_affects_only_its_user,
    user_without_identity_is_skipped_at_any_position,
    data_that_the_database_refuses_is_skipped_and_named,
    row_that_cannot_be_read_is_skipped_and_named,
);

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "odd_users",
    template_json = r#"{
        "name": "{{user.first_name}}", "email": "{{user.primary_email_address}}", "nick": "{{user.username}}",
        "settings": "{{user.unsafe_metadata}}", "theme": "{{user.public_metadata.theme}}",
        "updatedAt": "{{user.updated_at}}"
    }"#,
    allow(unbounded_claims),
    database(postgres, sqlite)
)]
#[expect(dead_code, reason = "the table is looked at")]
struct OddUser {
    clerk_id: String,
    name: Option<String>,
    email: Option<String>,
    nick: Option<String>,
    settings: Option<Value>,
    theme: Option<Value>,
}

struct Fixture {
    fake: FakeClerk,
    api: BackendApi,
    users: UserSync<OddUser>,
    pool: Pool,
}

impl Fixture {
    async fn start(database: &TestDatabase) -> Self {
        let fake = FakeClerk::start().await.expect("a port is free");
        let clerk = fake.clerk().build().expect("the configuration is right");
        let pool = Pool::open(database.url(), 5).await;
        let users = match &pool {
            Pool::Postgres(postgres) => {
                pool.execute(&OddUser::migration_sql::<sqlx::Postgres>()).await;
                UserSync::builder(clerk, postgres.clone()).build().await
            }
            Pool::Sqlite(sqlite) => {
                pool.execute(&OddUser::migration_sql::<sqlx::Sqlite>()).await;
                UserSync::builder(clerk, sqlite.clone()).build().await
            }
        };
        Self {
            api: BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret")
                .expect("the key and the address are right"),
            users: users.expect("the table fits"),
            fake,
            pool,
        }
    }

    /// Serves this many ordinary users, each created a second after the previous one.
    fn serve_ordinary(&self, count: usize, updated_at: i64) {
        self.fake
            .serve_users(count, move |place| ordinary(&format!("user_{place}"), updated_at));
    }

    /// Serves an odd object at an index among the ordinary users, with parts of its text replaced.
    fn serve_odd(&self, place: usize, updated_at: i64, member: &str, text: &[u8]) -> UserId {
        let id = FakeClerk::served_user(place);
        let mut user = ordinary(id.as_str(), updated_at);
        user["created_at"] = (place * 1_000).into();
        user[member] = "HERE".into();
        self.fake.serve_as(
            id.as_str(),
            replace(user.to_string().as_bytes(), b"\"HERE\"", text),
        );
        id
    }

    async fn import(
        &self,
        page_size: usize,
    ) -> Result<(ImportCounts, BTreeMap<String, NotImported>), ImportError> {
        let mut import = self.users.import(&self.api).page_size(page_size);
        let (mut counts, mut not_imported) = (ImportCounts::default(), BTreeMap::new());
        while let Some(step) = import.next().await {
            let step = step?;
            counts = step.counts;
            for (id, reason) in step.not_imported {
                let known = not_imported.insert(id.as_str().to_owned(), reason);
                assert!(known.is_none(), "{id} is named twice");
            }
        }
        Ok((counts, not_imported))
    }

    async fn number(&self, condition: &str) -> i64 {
        self.pool
            .number(&format!("SELECT count(*) FROM odd_users WHERE {condition}"))
            .await
    }
}

fn ordinary(id: &str, updated_at: i64) -> Value {
    let mut user = user_object(id, Timestamp::from_secs(100));
    user["first_name"] = "Ada".into();
    user["username"] = "ada".into();
    user["unsafe_metadata"] = json!({ "size": 1 });
    user["public_metadata"] = json!({ "theme": "dark" });
    user["updated_at"] = (updated_at * 1_000).into();
    user
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = text
        .windows(from.len())
        .position(|window| window == from)
        .expect("it is there");
    [&text[..at], to, &text[at + from.len()..]].concat()
}

/// A claim that depends on an unreadable part is refused, and the row is unchanged. Other parts do not matter.
async fn unreadable_member_affects_only_its_column(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    let odd: [(&str, &[u8], Option<&str>); 24] = [
        ("first_name", br#""\ud800""#, Some("name")),
        ("first_name", b"\"\xff\"", Some("name")),
        ("first_name", br#""Ada","first_name":"Eve""#, Some("name")),
        (
            "username",
            br#"{"$serde_json::private::Number":"1"}"#,
            Some("nick"),
        ),
        ("last_name", br#""\udc00""#, None),
        ("unsafe_metadata", br#"{"a":1e999}"#, Some("settings")),
        ("unsafe_metadata", br#"{"a":"\ud800"}"#, Some("settings")),
        ("unsafe_metadata", br#"{"\ud800":1}"#, Some("settings")),
        ("unsafe_metadata", br#"{"a":1,"a":2}"#, Some("settings")),
        (
            "unsafe_metadata",
            br#"{"$serde_json::private::Number":1}"#,
            Some("settings"),
        ),
        (
            "unsafe_metadata",
            br#"{"$serde_json::private::RawValue":"["}"#,
            Some("settings"),
        ),
        (
            "unsafe_metadata",
            br#"{"a":[{"z":0,"$serde_json::private::RawValue":{}}]}"#,
            Some("settings"),
        ),
        ("public_metadata", br#"{"theme":"dark","a":1e999}"#, None),
        (
            "public_metadata",
            br#"{"theme":"dark","\ud800":{"theme":1}}"#,
            None,
        ),
        ("public_metadata", br#"{"theme":{"a":NaN}}"#, Some("theme")),
        ("public_metadata", br#"{"theme":1,"theme":2}"#, Some("theme")),
        ("public_metadata", br#"-1e400"#, Some("theme")),
        (
            "private_metadata",
            br#"{"$serde_json::private::Number":[]}"#,
            None,
        ),
        ("phone_numbers", br#"[1e999,{"id":"\ud800"}]"#, None),
        ("external_accounts", br#"[{"first_name":"\ud800"}]"#, None),
        ("email_addresses", br#"[1e999]"#, Some("email")),
        (
            "email_addresses",
            br#"[{"id":"idn_x","email_address":"\ud800"}]"#,
            None,
        ),
        ("primary_email_address_id", br#""\ud800""#, Some("email")),
        ("$serde_json::private::Number", b"1", None),
    ];
    let last = odd.len() * 2;
    it.serve_ordinary(last + 1, 5);
    let (counts, not_imported) = it.import(500).await.expect("it is imported");
    assert_eq!((counts.inserted, not_imported.len()), (49, 0));

    it.serve_ordinary(last + 1, 50);
    let places: Vec<UserId> = odd
        .iter()
        .enumerate()
        .map(|(place, (member, text, _))| it.serve_odd(place * 2 + 1, 50, member, text))
        .collect();
    let (_, not_imported) = it.import(500).await.expect("it is imported");
    let mut refused = 0;
    for (id, (member, text, claim)) in places.iter().zip(odd) {
        let label = format!("{member} {}", String::from_utf8_lossy(text));
        let reason = not_imported.get(id.as_str()).map(ToString::to_string);
        let expected = claim.map(|claim| format!("claim `{claim}` is not readable JSON"));
        assert_eq!(reason, expected, "{label}");
        // Absent is not null: nothing was cleared, as the version shows.
        let (version, name) = if claim.is_some() {
            (5_000, "Ada")
        } else {
            (50_000, "Ada")
        };
        let row = format!(
            "clerk_id = '{id}' AND clerk_version = {version} AND name = '{name}' AND theme IS NOT NULL AND settings IS NOT NULL"
        );
        assert_eq!(it.number(&row).await, 1, "{label}");
        refused += usize::from(claim.is_some());
    }
    assert_eq!(not_imported.len(), refused);
    let right = last + 1 - refused;
    assert_eq!(
        it.number("clerk_version = 50000").await,
        i64::try_from(right).expect("a few")
    );
    // A single lookup, as for a token without claims.
    let alone = it
        .api
        .user(&places[0])
        .await
        .expect("Clerk answers")
        .expect("there is one");
    assert_eq!(alone.unreadable(), ["/first_name"]);
}

/// For any written text, the odd user is imported or reported, and the ordinary users are imported.
async fn any_user_written_text_affects_only_its_user(database: TestDatabase) {
    const ODD: usize = 120;
    let it = Fixture::start(&database).await;
    it.serve_ordinary(ODD * 2, 5);
    let mut runner = TestRunner::deterministic();
    let members = [
        "unsafe_metadata",
        "public_metadata",
        "first_name",
        "username",
        "email_addresses",
        "passkeys",
    ];
    let strategy = (written_text(), prop::sample::select(members.to_vec()));
    let mut odd = BTreeMap::new();
    for place in 0..ODD {
        let (text, member) = strategy.new_tree(&mut runner).expect("a text").current();
        odd.insert(
            it.serve_odd(place * 2, 5, member, &text).as_str().to_owned(),
            text,
        );
    }
    for page_size in [500, 7, 1] {
        it.pool.execute("DELETE FROM odd_users").await;
        let (counts, not_imported) = it.import(page_size).await.expect("it is imported");
        assert_eq!(counts.total(), 2 * ODD as u64);
        assert_eq!(counts.skipped, not_imported.len() as u64);
        for (id, reason) in &not_imported {
            let text = odd.get(id).map(|text| String::from_utf8_lossy(text));
            assert!(text.is_some(), "{id}: {reason}");
            assert!(
                matches!(reason, NotImported::Claims(_) | NotImported::Refused { .. }),
                "{text:?}: {reason}"
            );
        }
        assert_eq!(counts.inserted, (2 * ODD - not_imported.len()) as u64);
        // Some odd users are refused, and some are imported.
        assert!(
            not_imported.len() > ODD / 10 && not_imported.len() < ODD * 9 / 10,
            "{}",
            not_imported.len()
        );
        // Written data can be read back.
        let (counts, again) = it.import(page_size).await.expect("it is imported");
        assert_eq!(
            (counts.unchanged, counts.skipped),
            (2 * ODD as u64 - again.len() as u64, not_imported.len() as u64)
        );
    }
    let (_, not_imported) = it.import(500).await.expect("it is imported");
    let refused = not_imported
        .values()
        .filter(|reason| matches!(reason, NotImported::Refused { .. }));
    let drift = it.users.verify(&it.api).await.expect("it is verified");
    assert_eq!(drift.missing.count, refused.count() as u64);
    assert_eq!(
        (drift.in_clerk, drift.stale.count, drift.extra.count),
        (2 * ODD as u64, 0, 0)
    );
}

/// Generates bytes that a browser or an identity provider could have written as a value.
fn written_text() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        4 => prop::sample::select(vec![
            &b"null"[..], b"true", b"7", b"\"Eve\"", b"\"{{7*7}}\"", b"{\"theme\":{\"size\":1}}", b"[{\"id\":\"x\"}]",
        ]),
        3 => prop::sample::select(vec![
            &b"1e999"[..], b"\"\\ud800\"", b"\"\\u0000\"", b"\"\xff\"", b"NaN", b"{\"a\":1,\"a\":2}", b"{\"theme\":\"\\u0000\"}",
            b"{\"$serde_json::private::RawValue\":\"{\"}", b"{\"$serde_json::private::Number\":\"1e999\"}", b"\"\\u0007\"",
        ]),
    ]
    .prop_map(<[u8]>::to_vec);
    let odd = prop_oneof![
        (100_usize..3_000)
            .prop_map(|levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes()),
        (300_usize..500).prop_map(|digits| "7".repeat(digits).into_bytes()),
        (4_000_usize..8_000)
            .prop_map(|length| format!("{{\"theme\":\"{}\"}}", "x".repeat(length)).into_bytes()),
    ];
    prop_oneof![6 => leaf, 1 => odd].prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|elements| [
                b"[",
                &*elements.join(&b','),
                b"]"
            ]
            .concat()),
            inner.prop_map(|value| [b"{\"theme\":\"dark\",\"more\":", &*value, b"}"].concat()),
        ]
    })
}

/// The user of such an object cannot be guessed. The page and the import continue.
async fn user_without_identity_is_skipped_at_any_position(database: TestDatabase) {
    let odd: [&[u8]; 8] = [
        br#"{"id":"user_a","id":"user_b","updated_at":5000}"#,
        br#"{"id":"\ud800","updated_at":5000}"#,
        br#"{"id":"user_\u0000","updated_at":5000}"#,
        br#"{"id":7,"updated_at":5000}"#,
        br#"{"updated_at":5000}"#,
        b"null",
        b"[1e999]",
        b"\"user_a\"",
    ];
    let it = Fixture::start(&database).await;
    for text in odd {
        for place in [0, 1, 2] {
            it.serve_ordinary(3, 5);
            let id = FakeClerk::served_user(place);
            it.fake.serve_as(id.as_str(), text);
            for page_size in [500, 2] {
                it.pool.execute("DELETE FROM odd_users").await;
                let (counts, not_imported) = it.import(page_size).await.expect("it is imported");
                let label = format!("{} {place} {page_size}", String::from_utf8_lossy(text));
                assert_eq!(
                    (counts.inserted, counts.skipped, counts.total()),
                    (2, 1, 3),
                    "{label}"
                );
                assert!(
                    matches!(not_imported.get(""), Some(NotImported::NotAUser)),
                    "{label}"
                );
            }
            let drift = it.users.verify(&it.api).await.expect("it is verified");
            assert_eq!((drift.in_clerk, drift.unreadable.count), (3, 1));
            it.fake
                .serve_as(id.as_str(), ordinary(id.as_str(), 5).to_string());
        }
    }
    // An id without a time: the user can be reported.
    it.serve_ordinary(3, 5);
    let id = it.serve_odd(1, 5, "updated_at", b"1e999");
    let (counts, not_imported) = it.import(2).await.expect("it is imported");
    assert_eq!((counts.total(), counts.skipped), (3, 1));
    assert!(matches!(
        not_imported.get(id.as_str()),
        Some(NotImported::NotAUser)
    ));
    // After a full page without ids, the import cannot continue.
    it.fake.serve_as(id.as_str(), "{}");
    let full = it.api.users(Some(&FakeClerk::served_user(0)), 1).await;
    assert!(matches!(full, Err(BackendApiError::Malformed(_))), "{full:?}");
}

/// Tests a constraint, a length and an encoding, in an insertion, an update, and a raised version.
async fn data_that_the_database_refuses_is_skipped_and_named(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    let is_postgres = matches!(it.pool, Pool::Postgres(_));
    it.serve_ordinary(30, 5);
    it.import(500).await.expect("it is imported");
    let refusing = match it.pool {
        Pool::Postgres(_) => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.name = 'Refused' OR NEW.clerk_id = 'user_served0000000003' THEN \
             RAISE EXCEPTION 'secret %', NEW.name USING ERRCODE = '23514', CONSTRAINT = 'name_is_accepted'; END IF; \
             RETURN NEW; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON odd_users FOR EACH ROW EXECUTE FUNCTION refuse()"
        }
        Pool::Sqlite(_) => {
            "CREATE TRIGGER refuse BEFORE INSERT ON odd_users WHEN NEW.name = 'Refused' BEGIN SELECT RAISE(ABORT, 'secret'); END; \
             CREATE TRIGGER refuse_too BEFORE UPDATE ON odd_users \
             WHEN NEW.name = 'Refused' OR NEW.clerk_id = 'user_served0000000003' BEGIN SELECT RAISE(ABORT, 'secret'); END"
        }
    };
    it.pool.execute(refusing).await;
    // Thirty versions are raised, except for one that a trigger refuses. Ten users are new, some of whom are refused.
    it.serve_ordinary(40, 50);
    let changed = it.serve_odd(7, 50, "first_name", br#""Refused""#);
    let new = it.serve_odd(35, 50, "first_name", br#""Refused""#);
    let nul = it.serve_odd(37, 50, "first_name", br#""\u0000""#);
    let nul_in_json = it.serve_odd(11, 50, "unsafe_metadata", br#"{"a":"\u0000"}"#);
    let raised = FakeClerk::served_user(3);
    let mut expected = vec![&changed, &new, &raised];
    if is_postgres {
        expected.extend([&nul, &nul_in_json]);
    }
    let (counts, not_imported) = it.import(500).await.expect("it is imported");
    assert_eq!(counts.total(), 40);
    assert_eq!(not_imported.len(), expected.len(), "{not_imported:?}");
    for id in expected {
        let reason = &not_imported[id.as_str()];
        assert!(
            matches!(reason, NotImported::Refused { code: Some(_), .. }),
            "{id}: {reason:?}"
        );
        assert!(!reason.to_string().contains("secret"), "{reason}");
    }
    if is_postgres {
        let reason = not_imported[new.as_str()].to_string();
        assert_eq!(
            reason,
            "the database refuses the data (constraint `name_is_accepted`, 23514)"
        );
    }
    assert_eq!(
        it.number("clerk_version = 50000").await,
        40 - i64::try_from(not_imported.len()).expect("a few")
    );
    // Once the data fits, another import applies it.
    it.serve_ordinary(40, 60);
    let accepting = match it.pool {
        Pool::Postgres(_) => "DROP TRIGGER refuse ON odd_users",
        Pool::Sqlite(_) => "DROP TRIGGER refuse; DROP TRIGGER refuse_too",
    };
    it.pool.execute(accepting).await;
    for id in [&changed, &new, &nul, &nul_in_json] {
        it.fake
            .serve_as(id.as_str(), ordinary(id.as_str(), 60).to_string());
    }
    let (counts, not_imported) = it.import(500).await.expect("it is imported");
    assert_eq!((counts.total(), not_imported.len()), (40, 0));
}

/// The JSON column has a value that the application, or an earlier version, has written.
async fn row_that_cannot_be_read_is_skipped_and_named(database: TestDatabase) {
    let it = Fixture::start(&database).await;
    it.serve_ordinary(9, 5);
    it.import(500).await.expect("it is imported");
    let id = FakeClerk::served_user(4);
    it.pool
        .execute(&format!(
            r#"UPDATE odd_users SET settings = '{{"$serde_json::private::RawValue":7}}' WHERE clerk_id = '{id}'"#
        ))
        .await;
    it.serve_ordinary(9, 50);
    let (counts, not_imported) = it.import(500).await.expect("it is imported");
    assert_eq!((counts.total(), counts.skipped), (9, 1));
    assert!(matches!(not_imported[id.as_str()], NotImported::UnreadableRow));
    assert_eq!(it.number("clerk_version = 50000").await, 8);
    let drift = it.users.verify(&it.api).await.expect("it is verified");
    assert_eq!(drift.unreadable.ids, [id]);
}

/// A token can contain a value that could not be read back from a JSON column.
#[test]
fn private_name_in_a_token_is_not_readable() {
    let read = |settings: Value| -> Result<(), UnreadableClaims> {
        let mut claims: Map<String, Value> = ["name", "email", "nick", "theme"]
            .map(|name| (name.to_owned(), Value::Null))
            .into_iter()
            .collect();
        claims.insert("settings".to_owned(), settings);
        claims.insert("updatedAt".to_owned(), 5.into());
        OddUser::read_claims(ClaimSource::new("user_ada", &claims)).map(drop)
    };
    assert!(read(json!({ "$serde_json": 1, "a": ["$serde_json::private::Number"] })).is_ok());
    for odd in [
        json!({ "$serde_json::private::RawValue": "1" }),
        json!({ "a": [{ "b": 1, "$serde_json::private::Number": {} }] }),
    ] {
        let error = read(odd).expect_err("it cannot be read back");
        assert_eq!(error.to_string(), "claim `settings` is not readable JSON");
    }
}
