//! Linking offline, by verified addresses and external ids that one user and one row have, compared by the database.

use clerk_auth::SyncedUser;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted, Unchanged};
use clerk_auth::sync::{ImportError, LinkBy, LinkError, LinkList, LinkReport, NotLinked};
use clerk_auth::testing::{FakeClerk, Issuer, SessionToken, set_email, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use serde_json::{Value, json};

use super::{Customer, clerk, legacy_table, process, synced};

on_both_databases!(
    ten_rows_are_linked_by_verified_email_and_never_taken_over,
    ambiguous_addresses_are_reported_and_never_linked,
    addresses_are_compared_as_the_database_compares,
    rows_are_linked_by_external_id,
    external_ids_are_set_at_clerk_and_never_replaced,
    rows_of_another_instance_are_linked_only_after_the_operator_frees_them,
    deleted_users_and_rows_are_not_linked,
    struct_without_the_value_cannot_be_linked,
    key_of_another_instance_links_nothing,
);

/// A person of an application whose table had no Clerk ids; rows without one have a placeholder.
#[derive(Clone, Debug, Eq, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{
        "externalId": "{{user.external_id}}", "email": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"
    }"#,
    database(postgres, sqlite)
)]
pub(super) struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    pub(super) email: Option<String>,
    external_id: Option<String>,
}

pub(super) async fn people(database: &TestDatabase) -> Pool {
    let pool = Pool::open(database.url(), 4).await;
    let sql = match &pool {
        Pool::Postgres(_) => <Person as StoredIn<sqlx::Postgres>>::create_table(),
        Pool::Sqlite(_) => <Person as StoredIn<sqlx::Sqlite>>::create_table(),
    };
    pool.execute(&sql).await;
    pool
}

/// Inserts a row without a user.
pub(super) async fn legacy(pool: &Pool, email: &str) {
    let sql = format!(
        "INSERT INTO people (clerk_id, email, clerk_version) \
         SELECT 'unlinked_' || (count(*) + 1), '{email}', 0 FROM people"
    );
    pool.execute(&sql).await;
}

/// Returns a user object with a verified primary address.
pub(super) fn person(user_id: &str, email: &str) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(5));
    set_email(&mut user, Some(email));
    user
}

fn unverified(user_id: &str, email: &str) -> Value {
    let mut user = person(user_id, email);
    user["email_addresses"][0]["verification"]["status"] = "unverified".into();
    user
}

fn token(user_id: &str, email: &str) -> SessionToken<'static> {
    issuer()
        .token(user_id)
        .claim("externalId", Value::Null)
        .claim("email", email)
        .claim("updatedAt", 5)
}

async fn dry_run(people: &Profiles<Person>, api: &BackendApi) -> LinkReport {
    people.users.link(api).run().await.expect("it is read")
}

pub(super) async fn write(people: &Profiles<Person>, api: &BackendApi) -> LinkReport {
    people
        .users
        .link(api)
        .write_rows()
        .run()
        .await
        .expect("it is written")
}

pub(super) async fn clerk_id(pool: &Pool, id: i64) -> String {
    let sql = format!("SELECT coalesce(clerk_id, '-') FROM people WHERE id = {id}");
    pool.text(&sql).await.expect("there is a row")
}

/// Returns the users of a list, with the reasons.
pub(super) fn reasons(list: &LinkList) -> Vec<(String, Option<NotLinked>)> {
    let user = |entry: &clerk_auth::sync::LinkMatch| {
        entry
            .user_id
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    };
    let mut reasons: Vec<_> = list
        .listed
        .iter()
        .map(|entry| (user(entry), entry.reason))
        .collect();
    reasons.sort_by(|one, other| one.0.cmp(&other.0));
    reasons
}

async fn ten_rows_are_linked_by_verified_email_and_never_taken_over(database: TestDatabase) {
    let pool = people(&database).await;
    for number in 1..=10 {
        legacy(&pool, &format!("legacy_{number}@example.com")).await;
    }
    let email = |number: i64| format!("legacy_{number}@example.com");
    let mut users: Vec<Value> = (1..=8)
        .map(|number| person(&format!("user_{number}"), &email(number)))
        .collect();
    users.push(unverified("user_mallory", &email(9)));
    users.push(person("user_new", "new@example.com"));
    let (fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;

    let report = dry_run(&people, &api).await;
    let counts = [
        report.users,
        report.pairs.count,
        report.ambiguous.count,
        report.users_without_row.count,
        report.rows_without_user.count,
        report.linked,
    ];
    assert_eq!(counts, [10, 8, 1, 1, 2, 0], "{report}");
    assert_eq!(
        reasons(&report.ambiguous),
        [("user_mallory".to_owned(), Some(NotLinked::Unverified))]
    );
    let free = "SELECT count(*) FROM people WHERE clerk_id LIKE 'unlinked%'";
    assert_eq!(people.pool.number(free).await, 10);

    let report = write(&people, &api).await;
    assert_eq!((report.linked, report.not_linked.count), (8, 0), "{report}");
    for number in 1..=8 {
        assert_eq!(clerk_id(&people.pool, number).await, format!("user_{number}"));
    }
    assert_eq!(people.pool.number(free).await, 2);
    // Another run finds nothing to do.
    let report = write(&people, &api).await;
    assert_eq!(
        (report.with_row, report.pairs.count, report.linked),
        (8, 0, 0),
        "{report}"
    );

    let (outcome, ada) = synced(&people, token("user_1", &email(1))).await;
    assert_eq!((outcome, ada.id), (Unchanged, 1));
    let (outcome, ada) = synced(&people, token("user_1", &email(1))).await;
    assert!(matches!(outcome, Unchanged | Cached), "{outcome:?}");
    assert_eq!(ada.id, 1);

    // The address passes to another person, who verifies it.
    fake.put_user(person("user_1", "ada@elsewhere.example"));
    fake.put_user(person("user_eve", &email(1)));
    let report = write(&people, &api).await;
    assert_eq!(report.linked, 0, "{report}");
    let expected = [
        ("user_eve".to_owned(), Some(NotLinked::RowOfAnotherUser)),
        ("user_mallory".to_owned(), Some(NotLinked::Unverified)),
    ];
    assert_eq!(reasons(&report.ambiguous), expected);
    let (outcome, mallory) = synced(&people, token("user_mallory", &email(9))).await;
    assert_eq!(outcome, Inserted, "a request never links by e-mail");
    assert!(mallory.id > 10);
    assert_eq!(clerk_id(&people.pool, 1).await, "user_1");
    assert_eq!(people.pool.number(free).await, 2);
}

async fn ambiguous_addresses_are_reported_and_never_linked(database: TestDatabase) {
    let pool = people(&database).await;
    for email in [
        "twice@example.com",
        "twice@example.com",
        "held@example.com",
        "held@example.com",
        "odd@example.com",
    ] {
        legacy(&pool, email).await;
    }
    pool.execute("UPDATE people SET clerk_id = 'user_holder', clerk_version = 7 WHERE id = 3")
        .await;
    legacy(&pool, "").await;
    pool.execute("UPDATE people SET email = NULL WHERE email = ''")
        .await;
    let mut no_verification = person("user_odd", "odd@example.com");
    no_verification["email_addresses"][0]["verification"] = Value::Null;
    let mut secondary = person("user_secondary", "primary@example.com");
    let other = json!({ "id": "idn_2", "email_address": "odd@example.com", "verification": { "status": "verified" } });
    secondary["email_addresses"]
        .as_array_mut()
        .expect("addresses")
        .push(other);
    let mut none = person("user_none", "x");
    set_email(&mut none, None);
    let (_fake, api) = clerk([
        person("user_twice", "twice@example.com"),
        person("user_held", "held@example.com"),
        no_verification,
        secondary,
        none,
    ])
    .await;
    let people = process::<Person>(pool).await;
    let report = write(&people, &api).await;
    let expected = [
        ("user_held".to_owned(), Some(NotLinked::RowOfAnotherUser)),
        ("user_odd".to_owned(), Some(NotLinked::Unverified)),
        ("user_twice".to_owned(), Some(NotLinked::SeveralRows)),
    ];
    assert_eq!(reasons(&report.ambiguous), expected, "{report}");
    assert_eq!(
        (report.pairs.count, report.linked, report.rows_without_user.count),
        (0, 0, 5),
        "{report}"
    );
    let left = [
        ("user_none".to_owned(), None),
        ("user_secondary".to_owned(), None),
    ];
    assert_eq!(reasons(&report.users_without_row), left, "{report}");
    assert_eq!(clerk_id(&people.pool, 3).await, "user_holder");
    // The report as JSON and as text.
    let json = serde_json::to_value(&report).expect("it is JSON");
    assert_eq!(json["by"], "email");
    let reason = &json["ambiguous"]["listed"].as_array().expect("a list")[0]["reason"];
    assert!(reason.is_string(), "{json}");
    let text = report.to_string();
    assert!(
        text.contains("ambiguous user_twice twice@example.com: several rows have the value"),
        "{text}"
    );
    assert!(text.contains("\nrow without a user (row 6)"), "{text}");
}

/// Case matters unless the column ignores it. Two users whose addresses the column considers equal are ambiguous.
async fn addresses_are_compared_as_the_database_compares(database: TestDatabase) {
    let pool = people(&database).await;
    legacy(&pool, "Ada@Example.com").await;
    let (fake, api) = clerk([person("user_ada", "ada@example.com")]).await;
    let people = process::<Person>(pool).await;
    assert_eq!(
        write(&people, &api).await.pairs.count,
        0,
        "nothing folds the case"
    );

    let ignoring_case: &[&str] = match &people.pool {
        Pool::Postgres(_) => &[
            "CREATE EXTENSION citext; ALTER TABLE people ALTER email TYPE citext",
            "CREATE DOMAIN address AS citext CHECK (VALUE LIKE '%@example.com'); ALTER TABLE people ALTER email TYPE address",
            "ALTER TABLE people ALTER email TYPE text; CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', \
             deterministic = false); ALTER TABLE people ALTER email TYPE varchar(40) COLLATE folded",
        ],
        Pool::Sqlite(_) => &[
            "ALTER TABLE people RENAME TO old; CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, clerk_id TEXT NOT NULL \
             UNIQUE, email TEXT COLLATE NOCASE, external_id TEXT, clerk_version BIGINT NOT NULL, clerk_deleted_at TEXT); \
             INSERT INTO people SELECT * FROM old; DROP TABLE old",
        ],
    };
    for change in ignoring_case {
        people.pool.execute(change).await;
        people
            .pool
            .execute("UPDATE people SET clerk_id = 'unlinked_1'")
            .await;
        fake.put_user(person("user_other", "ADA@example.com"));
        // An address that the column's type refuses does not fail the page.
        fake.put_user(person(
            "user_long",
            &format!("{}@elsewhere.example", "x".repeat(60)),
        ));
        let people = process::<Person>(people.pool.clone()).await;
        let report = write(&people, &api).await;
        let several = Some(NotLinked::SeveralUsers);
        let expected = [
            ("user_ada".to_owned(), several),
            ("user_other".to_owned(), several),
        ];
        assert_eq!(reasons(&report.ambiguous), expected, "{change}: {report}");
        fake.remove_user("user_other");
        let report = write(&people, &api).await;
        assert_eq!(report.linked, 1, "{change}: {report}");
        assert_eq!(clerk_id(&people.pool, 1).await, "user_ada", "{change}");
    }
}

async fn rows_are_linked_by_external_id(database: TestDatabase) {
    let external = |user_id: &str, key: &str| {
        let mut user = unverified(user_id, "unrelated@example.com");
        user["external_id"] = key.into();
        user
    };
    let users = || {
        [
            external("user_3", "3"),
            external("user_word", "three"),
            external("user_huge", "99999999999999999999999999"),
            external("user_gone", "77"),
        ]
    };
    // By the key of `link(…)`, a number; rows have null instead of a Clerk id.
    let (_fake, api) = clerk(users()).await;
    let customers = process::<Customer>(legacy_table(&database, 4).await).await;
    customers
        .pool
        .execute("UPDATE customers SET clerk_id = 'unlinked_4' WHERE id = 4")
        .await;
    let link = || customers.users.link(&api).by(LinkBy::ExternalId);
    let report = link().run().await.expect("it is read");
    assert_eq!((report.pairs.count, report.linked), (1, 0), "{report}");
    let report = link().write_rows().run().await.expect("it is written");
    assert_eq!(
        (report.linked, report.rows_without_user.count),
        (1, 9),
        "{report}"
    );
    let linked = customers
        .pool
        .text("SELECT clerk_id FROM customers WHERE id = 3")
        .await;
    assert_eq!(linked.as_deref(), Some("user_3"));

    // By a claim's column, a text.
    let pool = people(&database).await;
    legacy(&pool, "three@example.com").await;
    pool.execute("UPDATE people SET external_id = '3'").await;
    let people = process::<Person>(pool).await;
    let report = people
        .users
        .link(&api)
        .by(LinkBy::ExternalId)
        .write_rows()
        .run()
        .await;
    assert_eq!(report.expect("it is written").linked, 1);
    assert_eq!(clerk_id(&people.pool, 1).await, "user_3");
}

async fn external_ids_are_set_at_clerk_and_never_replaced(database: TestDatabase) {
    let pool = people(&database).await;
    for email in [
        "ada@example.com",
        "bob@example.com",
        "eve@example.com",
        "joe@example.com",
    ] {
        legacy(&pool, email).await;
    }
    let mut bob = person("user_bob", "bob@example.com");
    bob["external_id"] = "other".into();
    let mut joe = person("user_joe", "joe@example.com");
    joe["external_id"] = "4".into();
    let mut thief = person("user_thief", "thief@example.com");
    thief["external_id"] = "3".into();
    let users = [
        person("user_ada", "ada@example.com"),
        bob,
        person("user_eve", "eve@example.com"),
        joe,
        thief,
    ];
    let (_fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    let external_id = async |user_id: &str| {
        let user = api
            .user(&clerk_auth::id::UserId::new(user_id))
            .await
            .expect("it is asked");
        user.expect("the user exists")["external_id"].clone()
    };
    let refused = [
        ("user_bob".to_owned(), Some(NotLinked::OtherExternalId)),
        ("user_eve".to_owned(), Some(NotLinked::ExternalIdRefused)),
    ];
    // Instead of the row.
    let report = people
        .users
        .link(&api)
        .set_external_ids()
        .run()
        .await
        .expect("it is set");
    assert_eq!((report.external_ids, report.linked), (1, 0), "{report}");
    assert_eq!(reasons(&report.not_linked), refused);
    assert_eq!(external_id("user_ada").await, "1");
    assert_eq!(clerk_id(&people.pool, 1).await, "unlinked_1");
    // Besides the row.
    let report = people
        .users
        .link(&api)
        .set_external_ids()
        .write_rows()
        .run()
        .await;
    let report = report.expect("it is written");
    assert_eq!((report.external_ids, report.linked), (0, 2), "{report}");
    assert_eq!(reasons(&report.not_linked), refused);
    assert_eq!(
        (external_id("user_bob").await, external_id("user_eve").await),
        ("other".into(), Value::Null)
    );
    assert_eq!(
        [clerk_id(&people.pool, 1).await, clerk_id(&people.pool, 4).await],
        ["user_ada", "user_joe"]
    );
}

/// Simulates a move from the development instance to production, in which every id changes.
async fn rows_of_another_instance_are_linked_only_after_the_operator_frees_them(database: TestDatabase) {
    let pool = people(&database).await;
    for number in 1..=10 {
        legacy(&pool, &format!("{number}@example.com")).await;
    }
    pool.execute("UPDATE people SET clerk_id = 'user_development_' || id, clerk_version = 1700000000000")
        .await;
    pool.execute("UPDATE people SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE id = 10")
        .await;
    let users = (1..=10).map(|number| {
        person(
            &format!("user_production_{number}"),
            &format!("{number}@example.com"),
        )
    });
    let (_fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    let report = write(&people, &api).await;
    assert_eq!((report.ambiguous.count, report.linked), (10, 0), "{report}");
    assert!(
        reasons(&report.ambiguous)
            .iter()
            .all(|(_, reason)| *reason == Some(NotLinked::RowOfAnotherUser))
    );

    // The statement of the guide, "Between Clerk instances".
    let free =
        "UPDATE people SET clerk_id = 'moved_' || clerk_id, clerk_version = 0 WHERE clerk_deleted_at IS NULL";
    assert_eq!(people.pool.execute(free).await, 9);
    let report = write(&people, &api).await;
    assert_eq!((report.linked, report.ambiguous.count), (9, 1), "{report}");
    for number in 1..=9 {
        let user_id = format!("user_production_{number}");
        assert_eq!(clerk_id(&people.pool, number).await, user_id);
        let (outcome, person) = synced(&people, token(&user_id, &format!("{number}@example.com"))).await;
        assert_eq!((outcome, person.id), (Unchanged, number));
    }
    assert_eq!(people.pool.number("SELECT count(*) FROM people").await, 10);
}

async fn deleted_users_and_rows_are_not_linked(database: TestDatabase) {
    let pool = people(&database).await;
    for email in ["ada@example.com", "bob@example.com"] {
        legacy(&pool, email).await;
    }
    pool.execute("UPDATE people SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE id = 2")
        .await;
    let insert = "INSERT INTO people (clerk_id, clerk_version, clerk_deleted_at) VALUES ('user_ada', 9, CURRENT_TIMESTAMP)";
    pool.execute(insert).await;
    let users = [
        person("user_ada", "ada@example.com"),
        person("user_bob", "bob@example.com"),
    ];
    let (_fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    let report = write(&people, &api).await;
    let expected = [
        ("user_ada".to_owned(), Some(NotLinked::UserDeleted)),
        ("user_bob".to_owned(), Some(NotLinked::RowOfAnotherUser)),
    ];
    assert_eq!(reasons(&report.ambiguous), expected, "{report}");
    assert_eq!(report.linked, 0);
}

/// A struct with neither an address nor an external id.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "names",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
#[expect(dead_code, reason = "no row is read")]
struct Name {
    clerk_id: String,
    name: Option<String>,
}

async fn struct_without_the_value_cannot_be_linked(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    let sql = match &pool {
        Pool::Postgres(_) => <Name as StoredIn<sqlx::Postgres>>::create_table(),
        Pool::Sqlite(_) => <Name as StoredIn<sqlx::Sqlite>>::create_table(),
    };
    pool.execute(&sql).await;
    let names = process::<Name>(pool).await;
    let (_fake, api) = clerk([]).await;
    for (by, shortcode) in [
        (LinkBy::Email, "{{user.primary_email_address}}"),
        (LinkBy::ExternalId, "{{user.external_id}}"),
    ] {
        let error = names.users.link(&api).by(by).write_rows().run().await;
        let error = error.expect_err("there is no column");
        assert!(matches!(error, LinkError::NoColumn { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .contains(&format!("`Name` has no column for `{shortcode}`")),
            "{error}"
        );
    }
}

async fn key_of_another_instance_links_nothing(database: TestDatabase) {
    let pool = people(&database).await;
    legacy(&pool, "ada@example.com").await;
    let (fake, api) = clerk([person("user_ada", "ada@example.com")]).await;
    fake.publish(Issuer::new("https://clerk.elsewhere.example").jwks());
    let people = process::<Person>(pool).await;
    let error = people
        .users
        .link(&api)
        .write_rows()
        .run()
        .await
        .expect_err("it is another's");
    assert!(
        matches!(error, LinkError::Ended(ImportError::OtherInstance { .. })),
        "{error}"
    );
    assert_eq!(clerk_id(&people.pool, 1).await, "unlinked_1");
    let _: FakeClerk = fake;
}
