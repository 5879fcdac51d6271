//! A membership is a row that joins a user and an organization: from a token, from a webhook, ended, and restored.

mod ends;
mod handlers;
mod removals;

use axum::http::StatusCode;
use clerk_auth::sync::{SyncError, SyncOutcome, UserSyncBuilder};
use clerk_auth::testing::{SessionToken, event, membership_object, organization_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{
    MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};

on_both_databases!(
    member_signs_in_and_has_three_rows,
    members_of_a_new_organization_have_a_row_each,
    newest_role_wins_whatever_brings_it,
    membership_before_its_user_is_repeated,
    removed_member_has_no_role_in_any_process,
    hook_runs_once_for_a_membership,
);

#[derive(Clone, Debug, PartialEq, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
pub(super) struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, SyncedOrganization)]
#[synced_organization(table = "teams", tombstones = "team_tombstones", database(postgres, sqlite))]
pub(super) struct Team {
    clerk_id: String,
    pub(super) name: String,
}

#[derive(Clone, Debug, PartialEq, SyncedMembership)]
#[synced_membership(table = "team_members", user = Person, organization = Team, database(postgres, sqlite))]
pub(super) struct TeamMember {
    #[column(user)]
    person: i64,
    #[column(organization, name = "team")]
    team_id: String,
    pub(super) role: String,
}

/// The handles of one process.
pub(super) struct Process {
    pub(super) people: Profiles<Person>,
    pub(super) teams: OrganizationSync<Team>,
    pub(super) members: MembershipSync<TeamMember>,
}

async fn create_tables(pool: &Pool) {
    pool.migrate::<Person>().await;
    pool.migrate::<Team>().await;
    pool.migrate::<TeamMember>().await;
}

impl Process {
    pub(super) async fn start(pool: Pool) -> Self {
        let people = Profiles::<Person>::of_table(pool.clone(), |it| it, |it| it).await;
        Self::of(people, pool).await
    }

    /// Starts a process that can detect an end only by the row.
    async fn without_denials(pool: Pool) -> Self {
        let people = Profiles::<Person>::of_table(
            pool.clone(),
            UserSyncBuilder::denials_in_memory,
            UserSyncBuilder::denials_in_memory,
        );
        Self::of(people.await, pool).await
    }

    async fn of(people: Profiles<Person>, pool: Pool) -> Self {
        let teams = pool.organizations(&people.users).await;
        let members = pool.memberships(&people.users, &teams).await;
        Self {
            people,
            teams,
            members,
        }
    }

    pub(super) async fn first(database: &TestDatabase) -> Self {
        Self::first_of(Pool::open(database.url(), 10).await).await
    }

    pub(super) async fn first_of(pool: Pool) -> Self {
        create_tables(&pool).await;
        Self::start(pool).await
    }

    pub(super) fn now(&self) -> Timestamp {
        self.people.clock.now()
    }

    async fn role(&self, token: SessionToken<'_>) -> Result<Option<String>, SyncError> {
        let session = self.people.session(token).await;
        let synced = self.members.sync(&session).await?;
        Ok(synced.map(|synced| synced.user.role))
    }

    async fn number(&self, table: &str) -> i64 {
        self.people
            .pool
            .number(&format!("SELECT count(*) FROM {table}"))
            .await
    }

    /// Returns the role of ada in the table, unless the membership has ended.
    async fn stored_role(&self) -> Option<String> {
        let sql = "SELECT max(role) FROM team_members WHERE clerk_key = 'user_ada:org_1' AND clerk_deleted_at IS NULL";
        self.people.pool.text(sql).await
    }

    /// Delivers an event about ada's membership.
    pub(super) async fn deliver(
        &self,
        kind: &str,
        role: &str,
        updated_at: Timestamp,
        happened_at: Timestamp,
    ) -> StatusCode {
        let membership = membership_object("user_ada", "org_1", role, updated_at);
        self.people
            .receive(&event(
                &format!("organizationMembership.{kind}"),
                membership,
                happened_at,
            ))
            .await
    }
}

/// Creates a token of a member.
pub(super) fn member(user_id: &str, role: &str) -> SessionToken<'static> {
    let organization = organization_object("org_1", Timestamp::from_secs(0));
    issuer()
        .token(user_id)
        .claim("name", user_id)
        .claim("updatedAt", 1)
        .organization("org_1", role)
        .organization_template(Team::TEMPLATE, &organization)
        .claim("orgRole", role)
}

pub(super) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_millis(time.as_millis() + seconds * 1_000)
}

async fn member_signs_in_and_has_three_rows(database: TestDatabase) {
    let process = Process::first(&database).await;
    let session = process.people.session(member("user_ada", "org:admin")).await;
    let first = process
        .members
        .sync(&session)
        .await
        .expect("it syncs")
        .expect("active");
    assert_eq!(first.outcome, SyncOutcome::Inserted);
    assert_eq!(
        (first.user.role.as_str(), first.user.team_id.as_str()),
        ("org:admin", "org_1")
    );
    let user = process.people.users.sync(&session).await.expect("it syncs").user;
    assert_eq!(first.user.person, user.id);
    for table in ["people", "teams", "team_members"] {
        assert_eq!(process.number(table).await, 1, "{table}");
    }
    let again = process
        .members
        .sync(&session)
        .await
        .expect("it syncs")
        .expect("active");
    assert!(matches!(
        again.outcome,
        SyncOutcome::Cached | SyncOutcome::Unchanged
    ));
    let alone = issuer()
        .token("user_ada")
        .claim("name", "Ada")
        .claim("updatedAt", 1);
    assert_eq!(process.role(alone).await.expect("it syncs"), None);
}

async fn members_of_a_new_organization_have_a_row_each(database: TestDatabase) {
    let process = Process::first(&database).await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..12 {
        for _ in 0..2 {
            let session = process
                .people
                .session(member(&format!("user_{number}"), "org:member"))
                .await;
            let members = process.members.clone();
            running.spawn(async move { members.sync(&session).await });
        }
    }
    for synced in running.join_all().await {
        synced.expect("no request fails for a race").expect("active");
    }
    assert_eq!(
        (process.number("people").await, process.number("teams").await),
        (12, 1)
    );
    assert_eq!(process.number("team_members").await, 12);
}

async fn newest_role_wins_whatever_brings_it(database: TestDatabase) {
    let process = Process::first(&database).await;
    let now = process.now();
    let read = |offset: i64| later(Timestamp::from_secs(now.as_secs()), offset);
    let sync = async |role: &str, read_at: i64| {
        let token = member("user_ada", role).claims_read_at(read(read_at));
        process.role(token).await.expect("it syncs").expect("active")
    };
    assert_eq!(sync("org:member", -50).await, "org:member");
    assert_eq!(
        process
            .deliver("updated", "org:admin", read(-40), read(-40))
            .await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await.as_deref(), Some("org:admin"));
    assert_eq!(
        sync("org:member", -45).await,
        "org:admin",
        "the token's claims are older"
    );
    assert_eq!(sync("org:owner", -30).await, "org:owner");
    assert_eq!(
        process.deliver("updated", "org:late", read(-35), read(-35)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await.as_deref(), Some("org:owner"));
}

async fn membership_before_its_user_is_repeated(database: TestDatabase) {
    let process = Process::first(&database).await;
    let now = process.now();
    assert_eq!(
        process.deliver("created", "org:admin", now, now).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let ada = event("user.created", user_object("user_ada", now), now);
    assert_eq!(process.people.receive(&ada).await, StatusCode::NO_CONTENT);
    assert_eq!(
        process.deliver("created", "org:admin", now, now).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await.as_deref(), Some("org:admin"));
}

async fn removed_member_has_no_role_in_any_process(database: TestDatabase) {
    let here = Process::first(&database).await;
    let there = Process::start(here.people.pool.clone()).await;
    let session = there.people.session(member("user_ada", "org:admin")).await;
    there
        .members
        .sync(&session)
        .await
        .expect("it syncs")
        .expect("active");
    let now = later(here.now(), 1);
    assert_eq!(
        here.deliver("deleted", "org:admin", here.now(), now).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(here.stored_role().await, None);
    // The session was verified before the end, which this process may not have received yet.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        match there.members.sync(&session).await {
            Err(SyncError::MembershipEnded) => break,
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the other process still serves the row"
        );
    }
    // A process that starts afterwards detects the end only by the row.
    let restarted = Process::start(here.people.pool.clone()).await;
    let ended = restarted.members.sync(&session).await;
    assert!(matches!(ended, Err(SyncError::MembershipEnded)), "{ended:?}");
}

async fn hook_runs_once_for_a_membership(database: TestDatabase) {
    let pool = Pool::open(database.url(), 10).await;
    create_tables(&pool).await;
    pool.execute("CREATE TABLE welcomes (person BIGINT NOT NULL)")
        .await;
    let people = Profiles::<Person>::of_table(pool.clone(), |it| it, |it| it).await;
    const WELCOME: &str = "INSERT INTO welcomes (person) VALUES ($1)";
    const FAREWELL: &str = "DELETE FROM welcomes WHERE person = $1";
    let members: MembershipSync<TeamMember> = match &pool {
        Pool::Postgres(pool) => {
            let teams = OrganizationSync::new(&people.users, pool.clone())
                .await
                .expect("the table fits");
            MembershipSync::builder(&people.users, &teams, pool.clone())
                .on_insert(|connection, member: &TeamMember| {
                    Box::pin(async move {
                        sqlx::query(WELCOME)
                            .bind(member.person)
                            .execute(connection)
                            .await?;
                        Ok(())
                    })
                })
                .on_delete(|connection, member: &TeamMember| {
                    Box::pin(async move {
                        sqlx::query(FAREWELL)
                            .bind(member.person)
                            .execute(connection)
                            .await?;
                        Ok(())
                    })
                })
                .build()
                .await
        }
        Pool::Sqlite(pool) => {
            let teams = OrganizationSync::new(&people.users, pool.clone())
                .await
                .expect("the table fits");
            MembershipSync::builder(&people.users, &teams, pool.clone())
                .on_insert(|connection, member: &TeamMember| {
                    Box::pin(async move {
                        sqlx::query(WELCOME)
                            .bind(member.person)
                            .execute(connection)
                            .await?;
                        Ok(())
                    })
                })
                .on_delete(|connection, member: &TeamMember| {
                    Box::pin(async move {
                        sqlx::query(FAREWELL)
                            .bind(member.person)
                            .execute(connection)
                            .await?;
                        Ok(())
                    })
                })
                .build()
                .await
        }
    }
    .expect("the table fits");
    let session = people.session(member("user_ada", "org:admin")).await;
    for _ in 0..3 {
        members.sync(&session).await.expect("it syncs");
    }
    assert_eq!(pool.number("SELECT count(*) FROM welcomes").await, 1);
    let now = people.clock.now();
    let ended = membership_object("user_ada", "org_1", "org:admin", now);
    let ended = event("organizationMembership.deleted", ended, later(now, 1));
    for _ in 0..2 {
        assert_eq!(people.receive(&ended).await, StatusCode::NO_CONTENT);
        assert_eq!(pool.number("SELECT count(*) FROM welcomes").await, 0);
    }
}
