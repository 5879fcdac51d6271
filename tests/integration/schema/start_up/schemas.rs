//! Tests of tables and types in other schemas, and of the library's own tables.

use clerk_auth::schema::SchemaError;
use clerk_auth::sync::CREATE_DELIVERIES;
use clerk_auth::{SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::profiles::{Member, issuer};

use super::Server;

/// A table and a type of the team, each in a separate schema.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "accounts.profiles",
    template_json = r#"{"tier": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres)
)]
#[expect(dead_code, reason = "its table alone is looked at")]
struct Account {
    clerk_id: String,
    #[claim(parse)]
    #[column(sql_type = "tiers.tier")]
    tier: Option<Tier>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(type_name = "tiers.tier", rename_all = "lowercase")]
enum Tier {
    Free,
}

impl std::str::FromStr for Tier {
    type Err = String;

    fn from_str(_: &str) -> Result<Self, String> {
        Ok(Self::Free)
    }
}

#[tokio::test]
async fn schemas_of_tables_and_types_work_after_the_advice() {
    let server = Server::start().await;
    let message =
        |started: Result<UserSync<Account>, SchemaError>| started.err().map(|error| error.to_string());
    let expected = "there is no schema `accounts`; fix it with\n  CREATE SCHEMA \"accounts\"";
    let error = message(server.start_up().await).expect("there is nothing");
    assert!(error.contains(expected), "{error}");
    server
        .execute("CREATE SCHEMA tiers; CREATE TYPE tiers.tier AS ENUM ('free'); REVOKE USAGE ON TYPE tiers.tier FROM PUBLIC")
        .await;
    server.fix::<Account>().await;
    for expected in [
        "may not use the schema `accounts`",
        "may not use the schema tiers, which has the type `tiers.tier` of the column `tier`",
    ] {
        let error = message(server.start_up().await).expect("a grant is missing");
        assert!(error.contains(expected), "{expected}: {error}");
        server.fix::<Account>().await;
    }
    // A type needs no privilege but where a column of it is created.
    assert_eq!(message(server.start_up().await), None);
}

#[tokio::test]
async fn table_of_a_schema_that_is_not_searched_is_found() {
    let server = Server::start().await;
    server
        .execute("CREATE SCHEMA accounts; ALTER TABLE profiles SET SCHEMA accounts")
        .await;
    let message = server.report().await;
    let expected =
        "there is no table `profiles` in the schemas of `search_path`; if `accounts.profiles` is meant";
    assert!(message.contains(expected), "{message}");
    server
        .execute("ALTER ROLE ROLE_NAME SET search_path = \"$user\", accounts, public")
        .await;
    server
        .assert_fixed_by_advice(&["may not use the schema `accounts`"])
        .await;
}

#[tokio::test]
async fn own_tables_are_checked_like_the_struct_s() {
    let server = Server::start().await;
    server
        .execute(&format!(
            "{CREATE_DELIVERIES}; GRANT SELECT, INSERT ON clerk_deliveries TO ROLE_NAME; {}; \
             GRANT SELECT, INSERT, UPDATE ON members TO ROLE_NAME; GRANT SELECT ON former_members TO ROLE_NAME",
            Member::migration_sql::<sqlx::Postgres>()
        ))
        .await;
    let started = UserSync::<Member>::builder(issuer().clerk(), server.pool().await)
        .on_event_once(|_, _| Box::pin(async { Ok(()) }))
        .build()
        .await;
    let message = started.expect_err("grants are missing").to_string();
    for expected in [
        "- the application's database user may not DELETE; fix it with\n  GRANT DELETE ON \"members\" TO",
        "of the tombstones in `former_members`: the application's database user may not INSERT",
        "deliveries cannot be remembered: the application's database user may not DELETE",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
    server
        .execute("GRANT DELETE ON members, clerk_deliveries TO ROLE_NAME; GRANT INSERT ON former_members TO ROLE_NAME")
        .await;
    assert!(server.start_up::<Member>().await.is_ok());
    // Tables and columns are complete, but one statement lacks an index for its `ON CONFLICT`.
    server
        .execute("DROP TABLE clerk_denials; CREATE TABLE clerk_denials (kind TEXT NOT NULL, id TEXT NOT NULL, refusal TEXT, \
                  version BIGINT NOT NULL, happened_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, \
                  changed_at BIGINT NOT NULL); \
                  GRANT SELECT, INSERT, UPDATE, DELETE ON clerk_denials TO ROLE_NAME")
        .await;
    let message = server.report().await;
    assert!(
        message.contains("cannot run its record denials statement: there is no unique"),
        "{message}"
    );
}
