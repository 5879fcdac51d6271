//! A member's three rows are read with one statement and inserted in one transaction, however a handler takes them.

mod handlers;

use std::time::Duration;

use clerk_auth::sync::{SyncError, SyncOutcome};
use clerk_auth::testing::{SessionToken, organization_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{
    Member, MembershipSync, OrganizationSync, Session, SyncedMembership, SyncedOrganization, SyncedRow,
    SyncedUser,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use serde_json::Value;

on_both_databases!(
    member_is_three_rows_of_one_request,
    member_who_is_known_to_a_new_organization_keeps_the_row,
    changed_claims_are_written_to_the_row_that_has_them,
    hook_that_fails_leaves_no_row_of_the_member,
    value_of_another_user_leaves_the_user_without_a_membership,
    deleted_user_gets_no_membership,
    members_of_a_new_organization_arrive_at_once,
    handles_of_different_pools_read_one_by_one,
    member_is_none_without_an_organization,
);

const PATIENT: Duration = Duration::from_secs(20);

/// A user with a column of the application's own, so that each request reads the row.
#[derive(Clone, Debug, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
pub(super) struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    pub(super) name: Option<String>,
    #[column(app)]
    credits: i64,
}

#[derive(Clone, Debug, PartialEq, SyncedOrganization)]
#[synced_organization(
    table = "teams",
    tombstones = "former_teams",
    fresh_for = "0s",
    database(postgres, sqlite)
)]
pub(super) struct Team {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    pub(super) name: String,
    slug: Option<String>,
}

#[derive(Clone, Debug, PartialEq, SyncedMembership)]
#[synced_membership(
    table = "team_members",
    user = Person,
    organization = Team,
    fresh_for = "0s",
    database(postgres, sqlite)
)]
pub(super) struct TeamMember {
    #[column(user)]
    person: i64,
    #[column(organization, name = "team")]
    team_id: i64,
    pub(super) role: String,
    #[column(app)]
    desk: Option<String>,
}

/// The handles of one process.
pub(super) struct Process {
    pub(super) people: Profiles<Person>,
    teams: OrganizationSync<Team>,
    members: MembershipSync<TeamMember>,
}

pub(super) async fn create_tables(pool: &Pool) {
    pool.migrate::<Person>().await;
    pool.migrate::<Team>().await;
    pool.migrate::<TeamMember>().await;
    pool.execute("CREATE UNIQUE INDEX people_name ON people (name)")
        .await;
}

/// Starts the handle on memberships, whose hook refuses the role `refused`.
async fn members(
    people: &Profiles<Person>,
    teams: &OrganizationSync<Team>,
    pool: Pool,
) -> MembershipSync<TeamMember> {
    let refusal = |member: &TeamMember| match member.role.as_str() {
        "org:refused" => Err("no place is left".into()),
        _ => Ok(()),
    };
    match pool {
        Pool::Postgres(pool) => {
            let builder = MembershipSync::builder(&people.users, teams, pool);
            let builder = builder.on_insert(move |_, member| {
                let refusal = refusal(member);
                Box::pin(async { refusal })
            });
            builder.build().await
        }
        Pool::Sqlite(pool) => {
            let builder = MembershipSync::builder(&people.users, teams, pool);
            let builder = builder.on_insert(move |_, member| {
                let refusal = refusal(member);
                Box::pin(async { refusal })
            });
            builder.build().await
        }
    }
    .expect("the table fits")
}

/// Starts the handle on users. Denials are read once a second at most, and not for a request.
async fn people(pool: Pool, timeout: Duration) -> Profiles<Person> {
    Profiles::of_table(
        pool,
        |builder| builder.denials_in_memory().sync_timeout(timeout),
        |builder| builder.denials_in_memory().sync_timeout(timeout),
    )
    .await
}

impl Process {
    /// A process on a pool whose tables exist.
    pub(super) async fn start(pool: Pool) -> Self {
        Self::with_timeout(pool, PATIENT).await
    }

    pub(super) async fn with_timeout(pool: Pool, timeout: Duration) -> Self {
        Self::of(people(pool.clone(), timeout).await, pool).await
    }

    async fn of_pools(of_users: Pool, of_memberships: Pool) -> Self {
        Self::of(people(of_users, PATIENT).await, of_memberships).await
    }

    pub(super) async fn of(people: Profiles<Person>, of_memberships: Pool) -> Self {
        let pool = people.pool.clone();
        let teams = pool.organizations(&people.users).await;
        let members = members(&people, &teams, of_memberships).await;
        Self {
            people,
            teams,
            members,
        }
    }

    pub(super) async fn first(database: &TestDatabase) -> Self {
        let pool = Pool::open(database.url(), 10).await;
        create_tables(&pool).await;
        Self::start(pool).await
    }

    async fn session(&self, token: SessionToken<'_>) -> Session {
        self.people.session(token).await
    }

    pub(super) async fn member(
        &self,
        token: SessionToken<'_>,
    ) -> Result<Option<Member<TeamMember>>, SyncError> {
        let session = self.session(token).await;
        self.members.member(&session).await
    }

    async fn numbers(&self) -> [i64; 3] {
        let mut numbers = [0; 3];
        for (number, table) in numbers.iter_mut().zip(["people", "teams", "team_members"]) {
            let sql = format!("SELECT count(*) FROM {table}");
            *number = self.people.pool.number(&sql).await;
        }
        numbers
    }
}

/// Creates a token of a member of an organization.
pub(super) fn member(user_id: &str, organization_id: &str, role: &str) -> SessionToken<'static> {
    let organization = organization_object(organization_id, Timestamp::from_secs(0));
    issuer()
        .token(user_id)
        .claim("email", Value::Null)
        .claim("name", user_id)
        .claim("updatedAt", 1)
        .organization(organization_id, role)
        .organization_template(Team::TEMPLATE, &organization)
        .claim("orgRole", role)
}

pub(super) fn outcomes(member: &Member<TeamMember>) -> [SyncOutcome; 3] {
    [
        member.user_outcome,
        member.organization_outcome,
        member.membership_outcome,
    ]
}

async fn member_is_three_rows_of_one_request(database: TestDatabase) {
    let process = Process::first(&database).await;
    for expected in [SyncOutcome::Inserted, SyncOutcome::Unchanged] {
        let ada = process.member(member("user_ada", "org_1", "org:admin")).await;
        let ada = ada.expect("it syncs").expect("active");
        assert_eq!(outcomes(&ada), [expected; 3]);
        assert_eq!((&*ada.user.clerk_id, ada.user.credits), ("user_ada", 0));
        assert_eq!(&*ada.organization.clerk_id, "org_1");
        assert_eq!(
            (
                ada.membership.person,
                ada.membership.team_id,
                &*ada.membership.role
            ),
            (ada.user.id, ada.organization.id, "org:admin")
        );
    }
    assert_eq!(process.numbers().await, [1, 1, 1]);
    if let Pool::Postgres(_) = &process.people.pool {
        let transactions = "SELECT count(DISTINCT xmin::text) FROM \
             (SELECT xmin FROM people UNION ALL SELECT xmin FROM teams UNION ALL SELECT xmin FROM team_members) AS rows";
        assert_eq!(process.people.pool.number(transactions).await, 1);
    }
}

async fn member_who_is_known_to_a_new_organization_keeps_the_row(database: TestDatabase) {
    let process = Process::first(&database).await;
    let session = process.session(member("user_ada", "org_1", "org:admin")).await;
    process.people.users.sync(&session).await.expect("it syncs");
    process.people.pool.execute("UPDATE people SET credits = 8").await;
    let ada = process.member(member("user_ada", "org_2", "org:member")).await;
    let ada = ada.expect("it syncs").expect("active");
    assert_eq!(
        outcomes(&ada),
        [
            SyncOutcome::Unchanged,
            SyncOutcome::Inserted,
            SyncOutcome::Inserted
        ]
    );
    assert_eq!(ada.user.credits, 8);
    assert_eq!(process.numbers().await, [1, 1, 1]);
}

async fn changed_claims_are_written_to_the_row_that_has_them(database: TestDatabase) {
    let process = Process::first(&database).await;
    let first = process.member(member("user_ada", "org_1", "org:admin")).await;
    first.expect("it syncs").expect("active");
    process.people.clock.advance(Duration::from_secs(2));
    let token = member("user_ada", "org_1", "org:guest")
        .claim("name", "Augusta Ada")
        .claim("updatedAt", 2)
        .issued_at(process.people.clock.now());
    let ada = process.member(token).await.expect("it syncs").expect("active");
    assert_eq!(
        outcomes(&ada),
        [SyncOutcome::Updated, SyncOutcome::Unchanged, SyncOutcome::Updated]
    );
    assert_eq!(
        (ada.user.name.as_deref(), &*ada.membership.role),
        (Some("Augusta Ada"), "org:guest")
    );
}

async fn hook_that_fails_leaves_no_row_of_the_member(database: TestDatabase) {
    let process = Process::first(&database).await;
    let refused = process.member(member("user_ada", "org_1", "org:refused")).await;
    assert!(matches!(refused, Err(SyncError::OnInsert(_))), "{refused:?}");
    assert_eq!(process.numbers().await, [0, 0, 0]);
    let admitted = process.member(member("user_ada", "org_1", "org:admin")).await;
    let admitted = admitted.expect("it syncs").expect("active");
    assert_eq!(outcomes(&admitted), [SyncOutcome::Inserted; 3]);
}

async fn value_of_another_user_leaves_the_user_without_a_membership(database: TestDatabase) {
    let process = Process::first(&database).await;
    let eve = process.member(member("user_eve", "org_1", "org:admin")).await;
    eve.expect("it syncs").expect("active");
    let token = member("user_ada", "org_2", "org:admin").claim("name", "user_eve");
    let conflict = process.member(token).await;
    assert!(matches!(conflict, Err(SyncError::Conflict(_))), "{conflict:?}");
    assert_eq!(process.numbers().await, [1, 1, 1]);
}

async fn deleted_user_gets_no_membership(database: TestDatabase) {
    let process = Process::first(&database).await;
    let session = process.session(member("user_ada", "org_1", "org:admin")).await;
    process.people.users.sync(&session).await.expect("it syncs");
    process
        .people
        .pool
        .execute("UPDATE people SET clerk_deleted_at = CURRENT_TIMESTAMP")
        .await;
    let deleted = process.members.member(&session).await;
    assert!(matches!(deleted, Err(SyncError::UserDeleted)), "{deleted:?}");
    let alone = process.members.sync(&session).await;
    assert!(matches!(alone, Err(SyncError::UserDeleted)), "{alone:?}");
    assert_eq!(process.numbers().await, [1, 0, 0]);
}

async fn members_of_a_new_organization_arrive_at_once(database: TestDatabase) {
    let here = Process::first(&database).await;
    let there = Process::of_pools(here.people.pool.clone(), here.people.pool.clone()).await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..10 {
        for process in [&here, &there, &here] {
            let token = member(&format!("user_{number}"), "org_1", "org:member");
            let session = process.session(token).await;
            let members = process.members.clone();
            running.spawn(async move { members.member(&session).await });
        }
    }
    let mut inserted = [0; 3];
    for member in running.join_all().await {
        let member = member.expect("no request fails for a race").expect("active");
        for (count, outcome) in inserted.iter_mut().zip(outcomes(&member)) {
            *count += i64::from(outcome == SyncOutcome::Inserted);
        }
    }
    assert_eq!(inserted, [10, 1, 10], "each row is inserted once");
    assert_eq!(here.numbers().await, [10, 1, 10]);
}

async fn handles_of_different_pools_read_one_by_one(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    create_tables(&pool).await;
    let process = Process::of_pools(pool, Pool::open(database.url(), 5).await).await;
    for expected in [SyncOutcome::Inserted, SyncOutcome::Unchanged] {
        let ada = process.member(member("user_ada", "org_1", "org:admin")).await;
        let ada = ada.expect("it syncs").expect("active");
        assert_eq!(outcomes(&ada), [expected; 3]);
    }
}

async fn member_is_none_without_an_organization(database: TestDatabase) {
    let process = Process::first(&database).await;
    let alone = issuer()
        .token("user_ada")
        .claim("email", Value::Null)
        .claim("name", "Ada")
        .claim("updatedAt", 1);
    let member = process.member(alone).await.expect("it syncs");
    assert!(member.is_none());
    assert_eq!(process.numbers().await, [0, 0, 0]);
}

/// The documentation requires pools of one database. With pools of two, the rows in the users' database count.
#[tokio::test]
async fn pool_of_another_database_is_not_read_for_users() {
    let (of_users, of_memberships) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    let pools = [of_users.url(), of_memberships.url()].map(|url| Pool::open(url, 5));
    let [users, memberships] = pools;
    let (users, memberships) = (users.await, memberships.await);
    create_tables(&users).await;
    create_tables(&memberships).await;
    let process = Process::of_pools(users, memberships.clone()).await;
    let member = process.member(member("user_ada", "org_1", "org:admin")).await;
    assert!(matches!(member, Err(SyncError::ReferenceMissing)), "{member:?}");
    assert_eq!(process.numbers().await, [1, 1, 0]);
    assert_eq!(memberships.number("SELECT count(*) FROM people").await, 0);
}
