//! Imports and verifies all of Clerk's organizations and memberships.

mod cursors;
mod deliveries;
mod missing;
mod rows;

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::id::{MembershipKey, OrganizationId, UserId};
use clerk_auth::routing::webhooks;
use clerk_auth::sync::{Import, ImportCounts, ImportedId, NotImported};
use clerk_auth::testing::{
    FakeClerk, SignedDelivery, event, membership_object, organization_object, user_object,
};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{
    Clerk, MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser,
    UserSync,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::Pool;
use serde_json::Value;
use tower::ServiceExt;

#[derive(Clone, Debug, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, SyncedOrganization)]
#[synced_organization(table = "teams", database(postgres, sqlite))]
struct Team {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, SyncedMembership)]
#[synced_membership(table = "team_members", user = Person, organization = Team, database(postgres, sqlite))]
struct TeamMember {
    user_id: i64,
    organization_id: i64,
    role: String,
}

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// The time of the fixtures: a while ago.
const THEN: i64 = 1_700_000_000;

/// A Clerk instance, and the handles of one process on it.
struct Fixture {
    fake: FakeClerk,
    api: BackendApi,
    process: Process,
}

struct Process {
    clerk: Clerk,
    people: UserSync<Person>,
    teams: OrganizationSync<Team>,
    members: MembershipSync<TeamMember>,
    pool: Pool,
}

impl Process {
    async fn start(fake: &FakeClerk, pool: Pool) -> Self {
        let clerk = fake.clerk().build().expect("the configuration is right");
        let people = match &pool {
            Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
            Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        };
        let people = people.expect("the table fits");
        let teams = pool.organizations(&people).await;
        let members = pool.memberships(&people, &teams).await;
        Self {
            clerk,
            people,
            teams,
            members,
            pool,
        }
    }

    /// Delivers an event that happened at this time.
    async fn receive(&self, kind: &str, data: Value, happened_at: Timestamp) {
        let delivery = SignedDelivery::new(SECRET, &event(kind, data, happened_at), SystemClock.now());
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
        let router: Router = Router::new().route("/", webhooks(&self.people, verifier));
        let answer = router.oneshot(delivery.request("/")).await;
        assert_eq!(
            answer.expect("a router answers").status(),
            StatusCode::NO_CONTENT,
            "{kind}"
        );
    }

    /// Returns the role in the row of a membership, unless it has ended.
    async fn role(&self, key: &str) -> Option<String> {
        let sql = format!(
            "SELECT max(role) FROM team_members WHERE clerk_key = '{key}' AND clerk_deleted_at IS NULL"
        );
        self.pool.text(&sql).await
    }

    async fn number(&self, sql: &str) -> i64 {
        self.pool.number(sql).await
    }
}

/// Creates tables that refuse `refused` as a name and as a role.
async fn create_tables(pool: &Pool) {
    pool.migrate::<Person>().await;
    pool.migrate_as::<Team>(|sql| refusing("name", &sql)).await;
    pool.migrate_as::<TeamMember>(|sql| refusing("role", &sql)).await;
}

/// Adds a check that refuses one value of a column.
fn refusing(column: &str, sql: &str) -> String {
    let definition = format!(r#""{column}" TEXT NOT NULL"#);
    assert!(sql.contains(&definition), "{sql}");
    sql.replacen(
        &definition,
        &format!(r#"{definition} CHECK ("{column}" <> 'refused')"#),
        1,
    )
}

async fn start(database: &TestDatabase) -> Fixture {
    let fake = FakeClerk::start().await.expect("a port is free");
    let pool = Pool::open(database.url(), 5).await;
    create_tables(&pool).await;
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret");
    Fixture {
        process: Process::start(&fake, pool).await,
        api: api.expect("the key and the address are right"),
        fake,
    }
}

fn second(offset: i64) -> Timestamp {
    Timestamp::from_secs(THEN + offset)
}

/// Returns an organization whose time of creation follows its number.
fn team(number: i64) -> Value {
    let mut team = organization_object(&format!("org_{number}"), second(number));
    team["name"] = format!("Team {number}").into();
    team
}

fn member(user: i64, team: i64, role: &str) -> Value {
    membership_object(
        &format!("user_{user}"),
        &format!("org_{team}"),
        role,
        second(100 * user + team),
    )
}

fn key(user: i64, team: i64) -> MembershipKey {
    MembershipKey::new(
        UserId::new(format!("user_{user}")),
        OrganizationId::new(format!("org_{team}")),
    )
}

impl Fixture {
    /// Creates users and organizations. Each user is a member of the organizations with a smaller number.
    fn populate(&self, users: i64, teams: i64) -> u64 {
        let mut members = 0;
        for number in 0..teams {
            self.fake.put_organization(team(number));
        }
        for user in 0..users {
            self.fake
                .put_user(user_object(&format!("user_{user}"), second(user)));
            for team in 0..teams.min(user) {
                self.fake.put_membership(member(user, team, "org:member"));
                members += 1;
            }
        }
        members
    }

    fn people(&self) -> Import<Person> {
        self.process.people.import(&self.api)
    }

    fn teams(&self) -> Import<Team, OrganizationId> {
        self.process.teams.import(&self.api)
    }

    fn members(&self) -> Import<TeamMember, MembershipKey> {
        self.process.members.import(&self.api)
    }

    /// Imports users and organizations, and then memberships.
    async fn import_all(&self) -> [ImportCounts; 3] {
        [
            self.people().run().await.expect("it is imported"),
            self.teams().run().await.expect("it is imported"),
            self.members().run().await.expect("it is imported"),
        ]
    }

    async fn is_right(&self) -> bool {
        let teams = self
            .process
            .teams
            .verify(&self.api)
            .await
            .expect("it is verified");
        let members = self.process.members.verify(&self.api).await;
        teams.is_empty() && members.expect("it is verified").is_empty()
    }
}

/// Runs an import. Returns the counts, and the skipped objects.
async fn run<R: SyncedRow, I: ImportedId>(mut import: Import<R, I>) -> (ImportCounts, Vec<(I, NotImported)>) {
    let (mut counts, mut not_imported) = (ImportCounts::default(), Vec::new());
    while let Some(step) = import.next().await {
        let step = step.expect("it is imported");
        counts = step.counts;
        not_imported.extend(step.not_imported);
    }
    (counts, not_imported)
}

/// Returns the numbers of inserted, updated, unchanged, skipped, conflicted and deleted.
fn numbers(counts: ImportCounts) -> [u64; 6] {
    [
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.skipped,
        counts.conflicted,
        counts.deleted,
    ]
}
