//! Triggers and types that change or skip the rows of a member: written once for each version, and then served.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::Member;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged, Updated};
use clerk_auth::testing::{event, membership_object};
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;

use super::together::{Process, TeamMember, create_tables, member, outcomes};

on_both_databases!(
    normalized_values_of_a_member_are_written_once,
    membership_whose_change_a_trigger_skips_is_served,
    membership_whose_insertion_a_trigger_skips_is_acknowledged,
);

async fn ada(process: &Process, role: &str) -> Member<TeamMember> {
    let ada = process.member(member("user_ada", "org_1", role)).await;
    ada.expect("it syncs").expect("active")
}

/// Creates triggers that store names of teams and roles in capital letters. They run after the write, except for that
/// of roles on PostgreSQL.
async fn normalize(pool: &Pool) {
    match pool {
        Pool::Postgres(_) => {
            pool.execute(
                "CREATE FUNCTION capitals() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN UPDATE teams SET name = upper(name) WHERE id = NEW.id; RETURN NULL; END $$; \
                 CREATE TRIGGER capitals AFTER INSERT OR UPDATE OF clerk_version ON teams \
                 FOR EACH ROW EXECUTE FUNCTION capitals(); \
                 CREATE FUNCTION role_in_capitals() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN NEW.role = upper(NEW.role); RETURN NEW; END $$; \
                 CREATE TRIGGER role_in_capitals BEFORE INSERT OR UPDATE ON team_members \
                 FOR EACH ROW EXECUTE FUNCTION role_in_capitals()",
            )
            .await;
        }
        Pool::Sqlite(_) => {
            for (table, column) in [("teams", "name"), ("team_members", "role")] {
                for (name, time) in [("new", "INSERT"), ("changed", "UPDATE OF clerk_version")] {
                    pool.execute(&format!(
                        "CREATE TRIGGER {table}_{name} AFTER {time} ON {table} BEGIN \
                         UPDATE {table} SET {column} = upper({column}) WHERE rowid = NEW.rowid; END"
                    ))
                    .await;
                }
            }
        }
    }
}

async fn normalized_values_of_a_member_are_written_once(database: TestDatabase) {
    let pool = Pool::open(database.url(), 4).await;
    create_tables(&pool).await;
    normalize(&pool).await;
    let process = Process::start(pool).await;
    let rows = ada(&process, "org:admin").await;
    assert_eq!(outcomes(&rows), [Inserted; 3]);
    let stored = |rows: &Member<TeamMember>| (rows.organization.name.clone(), rows.membership.role.clone());
    let first = stored(&rows);
    assert_eq!(first, (first.0.to_uppercase(), "ORG:ADMIN".to_owned()));
    for _ in 0..2 {
        let rows = ada(&process, "org:admin").await;
        assert_eq!((outcomes(&rows), stored(&rows)), ([Unchanged; 3], first.clone()));
    }
    process.people.clock.advance(Duration::from_secs(2));
    let rows = ada(&process, "org:guest").await;
    assert_eq!(outcomes(&rows)[2], Updated);
    assert_eq!(rows.membership.role, "ORG:GUEST");
    assert_eq!(outcomes(&ada(&process, "org:guest").await)[2], Unchanged);
}

async fn membership_whose_change_a_trigger_skips_is_served(database: TestDatabase) {
    let process = Process::first(&database).await;
    assert_eq!(outcomes(&ada(&process, "org:admin").await), [Inserted; 3]);
    process
        .people
        .pool
        .skip_writes("team_members", "UPDATE", "true")
        .await;
    process.people.clock.advance(Duration::from_secs(2));
    for _ in 0..3 {
        let rows = ada(&process, "org:guest").await;
        assert_eq!(
            (outcomes(&rows)[2], &*rows.membership.role),
            (Unchanged, "org:admin")
        );
    }
    assert_eq!(deliver(&process).await, StatusCode::NO_CONTENT);
}

async fn membership_whose_insertion_a_trigger_skips_is_acknowledged(database: TestDatabase) {
    let process = Process::first(&database).await;
    let rows = process.member(member("user_eve", "org_1", "org:admin")).await;
    rows.expect("it syncs").expect("active");
    let session = process
        .people
        .session(member("user_ada", "org_2", "org:admin"))
        .await;
    process.people.users.sync(&session).await.expect("it syncs");
    process
        .people
        .pool
        .skip_writes("team_members", "INSERT", "true")
        .await;
    let refused = process.member(member("user_ada", "org_1", "org:admin")).await;
    assert!(
        matches!(&refused, Err(SyncError::Database(error)) if matches!(**error, sqlx::Error::RowNotFound)),
        "{refused:?}"
    );
    assert_eq!(deliver(&process).await, StatusCode::NO_CONTENT);
}

/// Delivers a new role of ada.
async fn deliver(process: &Process) -> StatusCode {
    process.people.clock.advance(Duration::from_secs(2));
    let now = process.people.clock.now();
    let changed = membership_object("user_ada", "org_1", "org:delivered", now);
    let changed = event("organizationMembership.updated", changed, now);
    process.people.receive(&changed).await
}

/// The trigger stands for another transaction: its row is not in the snapshot of the statement that runs the trigger.
#[tokio::test]
async fn user_who_is_inserted_during_the_write_gets_the_membership() {
    let database = TestDatabase::postgres().await;
    let process = Process::first(&database).await;
    let pool = &process.people.pool;
    pool.execute(
        "CREATE FUNCTION sign_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO people (clerk_id, credits, clerk_version) VALUES ('user_ada', 0, 0) ON CONFLICT DO NOTHING; \
         RETURN NULL; END $$; \
         CREATE TRIGGER sign_up BEFORE INSERT ON team_members FOR EACH STATEMENT EXECUTE FUNCTION sign_up()",
    )
    .await;
    assert_eq!(deliver(&process).await, StatusCode::NO_CONTENT);
    let members = "SELECT count(*) FROM team_members WHERE clerk_key = 'user_ada:org_1'";
    assert_eq!(pool.number(members).await, 1);
}
