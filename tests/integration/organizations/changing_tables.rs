//! Tables of members that change under a running application: no request and no delivery fails.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::testing::{event, membership_object, organization_object};
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use futures_util::future::join_all;

use super::together::{Process, create_tables, member};

on_both_databases!(changed_tables_fail_no_member);

const CONNECTIONS: u32 = 4;
const USERS: usize = 6;

/// Runs every operation on a member's rows, on each connection: reads, changed claims, new members, deliveries.
async fn everything(process: &Process, round: usize, change: &str) {
    for step in 0..3 {
        process.people.clock.advance(Duration::from_secs(1));
        // The second step repeats the claims of the first.
        let role = if step < 2 { "org:member" } else { "org:admin" };
        let version = process.people.clock.now().as_secs();
        let requests = (0..2 * USERS).map(async |number| {
            let (user, organization) = (number % USERS, number / USERS);
            let name = format!("{user} {round} {role}");
            let token = member(&format!("user_{user}"), &format!("org_{organization}"), role);
            let token = token.claim("name", &*name).claim("updatedAt", version);
            let rows = process.member(token).await;
            let rows = rows
                .unwrap_or_else(|error| panic!("{change}: {error}"))
                .expect("active");
            assert_eq!(rows.user.name.as_deref(), Some(&*name), "{change}");
            assert_eq!(rows.membership.role, role, "{change}");
        });
        join_all(requests).await;
    }
    let new = (0..USERS).map(async |number| {
        let organization = format!("org_new_{round}_{}", number % 2);
        let token = member(&format!("user_new_{round}_{number}"), &organization, "org:member");
        let rows = process.member(token).await;
        rows.unwrap_or_else(|error| panic!("{change}: {error}"))
            .expect("active");
    });
    join_all(new).await;
    process.people.clock.advance(Duration::from_secs(1));
    let now = process.people.clock.now();
    let deliveries = (0..USERS).map(async |number| {
        let user = format!("user_{number}");
        let changed = membership_object(&user, "org_0", "org:delivered", now);
        let changed = event("organizationMembership.updated", changed, now);
        let renamed = event("organization.updated", organization_object("org_1", now), now);
        let answers = [
            process.people.receive(&changed).await,
            process.people.receive(&renamed).await,
        ];
        assert_eq!(answers, [StatusCode::NO_CONTENT; 2], "{change}");
    });
    join_all(deliveries).await;
}

async fn changed_tables_fail_no_member(database: TestDatabase) {
    let pool = Pool::open(database.url(), CONNECTIONS).await;
    create_tables(&pool).await;
    let process = Process::start(pool).await;
    everything(&process, 0, "before").await;
    // Outside of the application, as a migration runs.
    let past = Pool::open(database.url(), 1).await;
    let changes = match past {
        Pool::Postgres(_) => POSTGRES,
        Pool::Sqlite(_) => SQLITE,
    };
    for (round, change) in (1..).zip(changes) {
        past.execute(change).await;
        everything(&process, round, change).await;
    }
}

const POSTGRES: &[&str] = &[
    "ALTER TABLE people ALTER email TYPE varchar(200)",
    "ALTER TABLE teams ALTER name TYPE varchar(200), ALTER slug TYPE varchar(200)",
    "ALTER TABLE team_members ALTER role TYPE varchar(100)",
    "ALTER TABLE team_members ALTER role TYPE text; ALTER TABLE teams ALTER name TYPE text",
    "ALTER TABLE teams ADD extra integer; ALTER TABLE team_members ADD note text NOT NULL DEFAULT 'none'",
    "ALTER TABLE teams DROP extra; ALTER TABLE team_members DROP note",
    "BEGIN; ALTER TABLE team_members RENAME role TO title; ALTER TABLE team_members RENAME title TO role; COMMIT",
    "CREATE INDEX ON team_members (role); ALTER TABLE teams ADD CONSTRAINT short CHECK (length(name) < 100)",
    "CREATE EXTENSION citext; ALTER TABLE teams ALTER slug TYPE citext",
    "ALTER TABLE teams ALTER slug TYPE text; DROP EXTENSION citext",
    "BEGIN; ALTER TABLE team_members RENAME TO before; CREATE TABLE team_members (LIKE before INCLUDING ALL); \
     INSERT INTO team_members SELECT * FROM before; DROP TABLE before; COMMIT",
    "ALTER TABLE teams ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON teams USING (true)",
    "ALTER TABLE former_teams ALTER clerk_id TYPE varchar(300)",
    "VACUUM FULL team_members",
    "DROP INDEX people_name; CREATE UNIQUE INDEX people_name ON people (name)",
];

const SQLITE: &[&str] = &[
    "ALTER TABLE teams ADD extra INTEGER",
    "ALTER TABLE team_members ADD note TEXT NOT NULL DEFAULT 'none'",
    "ALTER TABLE teams DROP COLUMN extra",
    "ALTER TABLE team_members RENAME role TO title; ALTER TABLE team_members RENAME title TO role",
    "CREATE INDEX by_role ON team_members (role)",
    "CREATE TRIGGER quiet AFTER UPDATE ON team_members BEGIN SELECT 1; END",
    "VACUUM",
];
