//! A membership is a row that joins a user and an organization: from a token, from a webhook, ended, and restored.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode, header::AUTHORIZATION};
use axum::routing::get;
use axum::{Router, body::Body};
use clerk_auth::id::{OrganizationId, UserId};
use clerk_auth::sync::{SyncError, SyncOutcome, UserSyncBuilder};
use clerk_auth::testing::{SessionToken, event, membership_object, organization_object, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{
    Clerk, MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser,
    UserSync, authenticated,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use serde_json::{Value, json};
use tower::ServiceExt;

on_both_databases!(
    member_signs_in_and_has_three_rows,
    members_of_a_new_organization_have_a_row_each,
    newest_role_wins_whatever_brings_it,
    membership_before_its_user_is_repeated,
    removed_member_has_no_role_in_any_process,
    member_who_returns_has_the_row_again,
    event_before_the_end_that_is_late_restores_nothing,
    return_between_two_ends_that_is_late_restores_nothing,
    end_of_an_unknown_membership_is_remembered,
    rows_of_a_removed_organization_go_with_it,
    event_of_a_removed_organization_is_acknowledged,
    event_of_a_user_who_was_deleted_without_a_row_is_acknowledged,
    event_of_a_removed_user_is_acknowledged,
    handler_takes_user_organization_and_membership,
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

async fn member_who_returns_has_the_row_again(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let left = later(process.now(), 1);
    assert_eq!(
        process.deliver("deleted", "org:admin", process.now(), left).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await, None);
    let returned = later(left, 1);
    assert_eq!(
        process.deliver("created", "org:guest", returned, returned).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await.as_deref(), Some("org:guest"));
    // The end is delivered again, after the return.
    let end = process.deliver("deleted", "org:admin", process.now(), left).await;
    assert_eq!(end, StatusCode::NO_CONTENT);
    assert_eq!(process.stored_role().await.as_deref(), Some("org:guest"));
    // A member can also return by a token alone.
    assert_eq!(
        process
            .deliver("deleted", "org:guest", returned, later(returned, 1))
            .await,
        StatusCode::NO_CONTENT
    );
    process.people.clock.advance(std::time::Duration::from_secs(10));
    let role = process
        .role(member("user_ada", "org:owner"))
        .await
        .expect("it syncs");
    assert_eq!(role.as_deref(), Some("org:owner"));
    assert_eq!(process.stored_role().await.as_deref(), Some("org:owner"));
    assert_eq!(process.number("team_members").await, 1);
}

async fn event_before_the_end_that_is_late_restores_nothing(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let (joined, left) = (later(process.now(), 1), later(process.now(), 3));
    assert_eq!(
        process.deliver("deleted", "org:admin", joined, left).await,
        StatusCode::NO_CONTENT
    );
    for (kind, updated_at) in [
        ("created", joined),
        ("updated", later(joined, 1)),
        ("updated", left),
    ] {
        assert_eq!(
            process.deliver(kind, "org:owner", updated_at, updated_at).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(process.stored_role().await, None, "{kind}");
    }
    assert_eq!(
        process.deliver("deleted", "org:admin", joined, left).await,
        StatusCode::NO_CONTENT
    );
}

async fn return_between_two_ends_that_is_late_restores_nothing(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let other = Process::without_denials(process.people.pool.clone()).await;
    let now = process.now();
    let at = |seconds| later(now, seconds);
    for (process, kind, updated_at, happened_at) in [
        (&process, "deleted", at(1), at(1)),
        (&process, "deleted", at(4), at(5)),
        (&other, "created", at(2), at(2)),
        (&other, "updated", at(4), at(4)),
    ] {
        let delivered = process.deliver(kind, "org:owner", updated_at, happened_at).await;
        assert_eq!(delivered, StatusCode::NO_CONTENT);
        assert_eq!(process.stored_role().await, None, "{kind}");
    }
    let delivered = other.deliver("created", "org:guest", at(6), at(6)).await;
    assert_eq!(delivered, StatusCode::NO_CONTENT);
    assert_eq!(process.stored_role().await.as_deref(), Some("org:guest"));
}

async fn end_of_an_unknown_membership_is_remembered(database: TestDatabase) {
    let process = Process::first(&database).await;
    let now = process.now();
    let ada = event("user.created", user_object("user_ada", now), now);
    assert_eq!(process.people.receive(&ada).await, StatusCode::NO_CONTENT);
    let team = event("organization.created", organization_object("org_1", now), now);
    assert_eq!(process.people.receive(&team).await, StatusCode::NO_CONTENT);
    assert_eq!(
        process.deliver("deleted", "org:admin", now, later(now, 1)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        process.deliver("created", "org:admin", now, now).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(process.stored_role().await, None);
    assert_eq!(process.number("team_members").await, 1);
}

async fn rows_of_a_removed_organization_go_with_it(database: TestDatabase) {
    let process = Process::first(&database).await;
    let session = process.people.session(member("user_ada", "org:admin")).await;
    process.members.sync(&session).await.expect("it syncs");
    let now = process.now();
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    let deleted = event("organization.deleted", deleted, now);
    assert_eq!(process.people.receive(&deleted).await, StatusCode::NO_CONTENT);
    assert_eq!(
        (
            process.number("teams").await,
            process.number("team_members").await
        ),
        (0, 0)
    );
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        match process.members.sync(&session).await {
            Err(SyncError::MembershipEnded | SyncError::OrganizationDeleted) => break,
            // The row may be cached until its window ends.
            Ok(Some(synced)) if synced.outcome == SyncOutcome::Cached => {
                process.people.clock.advance(std::time::Duration::from_secs(6));
            }
            other => panic!("{other:?}"),
        }
        assert!(std::time::Instant::now() < deadline, "the row is still cached");
    }
    assert_eq!(process.number("team_members").await, 0);
}

/// A process that has not received the denial finds the tombstone.
async fn event_of_a_removed_organization_is_acknowledged(database: TestDatabase) {
    let process = Process::first(&database).await;
    process
        .role(member("user_ada", "org:admin"))
        .await
        .expect("it syncs");
    let now = process.now();
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    let deleted = event("organization.deleted", deleted, now);
    assert_eq!(process.people.receive(&deleted).await, StatusCode::NO_CONTENT);

    let later = Process::without_denials(process.people.pool.clone()).await;
    for kind in ["created", "updated", "deleted"] {
        let answer = later.deliver(kind, "org:admin", now, now).await;
        assert_eq!(answer, StatusCode::NO_CONTENT, "{kind}");
    }
    assert_eq!(
        (later.number("teams").await, later.number("team_members").await),
        (0, 0)
    );
}

async fn event_of_a_user_who_was_deleted_without_a_row_is_acknowledged(database: TestDatabase) {
    let process = Process::first(&database).await;
    let now = process.now();
    let deleted = json!({ "id": "user_ada", "object": "user", "deleted": true });
    let deleted = event("user.deleted", deleted, now);
    assert_eq!(process.people.receive(&deleted).await, StatusCode::NO_CONTENT);
    for kind in ["created", "updated", "deleted"] {
        let answer = process.deliver(kind, "org:admin", now, now).await;
        assert_eq!(answer, StatusCode::NO_CONTENT, "{kind}");
    }
    assert_eq!(process.number("team_members").await, 0);
}

/// A user whose row is removed by a deletion.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "leavers",
    tombstones = "former_leavers",
    template_json = r#"{"updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Leaver {
    #[expect(dead_code, reason = "memberships reference it")]
    clerk_id: String,
}

#[derive(Clone, Debug, SyncedMembership)]
#[synced_membership(table = "leaver_members", user = Leaver, organization = Team, database(postgres, sqlite))]
#[expect(dead_code, reason = "the table is looked at")]
struct LeaverMember {
    user_id: String,
    organization_id: String,
    role: String,
}

/// A process that has not received the denial finds the tombstone.
async fn event_of_a_removed_user_is_acknowledged(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    pool.migrate::<Leaver>().await;
    pool.migrate::<Team>().await;
    pool.migrate::<LeaverMember>().await;
    let start = async || {
        let leavers = Profiles::<Leaver>::of_table(
            pool.clone(),
            UserSyncBuilder::denials_in_memory,
            UserSyncBuilder::denials_in_memory,
        );
        let leavers = leavers.await;
        let teams: OrganizationSync<Team> = pool.organizations(&leavers.users).await;
        let members: MembershipSync<LeaverMember> = pool.memberships(&leavers.users, &teams).await;
        (leavers, members)
    };
    let (leavers, _members) = start().await;
    let now = leavers.clock.now();
    for (kind, data) in [
        ("user.created", user_object("user_ada", now)),
        (
            "user.deleted",
            json!({ "id": "user_ada", "object": "user", "deleted": true }),
        ),
    ] {
        assert_eq!(
            leavers.receive(&event(kind, data, now)).await,
            StatusCode::NO_CONTENT,
            "{kind}"
        );
    }

    let (later, _members) = start().await;
    let joined = membership_object("user_ada", "org_1", "org:admin", now);
    let joined = event("organizationMembership.created", joined, now);
    assert_eq!(later.receive(&joined).await, StatusCode::NO_CONTENT);
    assert_eq!(pool.number("SELECT count(*) FROM leaver_members").await, 0);
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<Person>,
    organizations: OrganizationSync<Team>,
    memberships: MembershipSync<TeamMember>,
}

#[authenticated(state = AppState)]
async fn all_three(user: Person, organization: Team, membership: TeamMember) -> String {
    assert_eq!(user.id, membership.person);
    format!("{} {}", organization.name, membership.role)
}

#[authenticated(state = AppState)]
async fn optional(_user: Person, membership: Option<TeamMember>) -> String {
    membership.map_or_else(String::new, |membership| membership.role)
}

/// An extractor that ends the membership of bob after his rows were read, and before the handler takes them.
struct Leaving;

impl FromRequestParts<AppState> for Leaving {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let (user_id, organization_id) = (UserId::new("user_bob"), OrganizationId::new("org_1"));
        let ended = state.users.end_membership(&user_id, &organization_id).await;
        ended.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Self)
    }
}

#[authenticated(state = AppState)]
async fn leaving(_user: Person, _: Leaving, membership: TeamMember) -> String {
    membership.role
}

#[authenticated(state = AppState)]
async fn personal(user: Person) -> String {
    user.clerk_id
}

async fn handler_takes_user_organization_and_membership(database: TestDatabase) {
    let process = Process::first(&database).await;
    let state = AppState {
        clerk: process.people.clerk().clone(),
        users: process.people.users.clone(),
        organizations: process.teams.clone(),
        memberships: process.members.clone(),
    };
    let app = Router::new()
        .route("/all", get(all_three))
        .route("/optional", get(optional))
        .route("/personal", get(personal))
        .route("/leaving", get(leaving))
        .with_state(state);
    let now = process.now();
    let ask = async |path: &str, token: &str| {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).expect("a request");
        let response = app.clone().oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 4_096)
            .await
            .expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("text");
        let code = serde_json::from_str::<Value>(&text).ok();
        let code = code.and_then(|problem| Some(problem["code"].as_str()?.to_owned()));
        (status, code.unwrap_or(text))
    };
    let active = member("user_ada", "org:admin").issued_at(now).sign();
    let alone = issuer()
        .token("user_ada")
        .claim("name", "Ada")
        .claim("updatedAt", 1);
    let alone = alone.issued_at(now).sign();
    let answer = |status: u16, text: &str| (status, text.to_owned());
    assert_eq!(ask("/all", &active).await, answer(200, "1 org:admin"));
    assert_eq!(ask("/optional", &active).await, answer(200, "org:admin"));
    assert_eq!(ask("/all", &alone).await, answer(403, "organization_required"));
    assert_eq!(ask("/optional", &alone).await, answer(200, ""));
    let bob = member("user_bob", "org:member").issued_at(now).sign();
    assert_eq!(ask("/leaving", &bob).await, answer(403, "organization_changed"));
    assert_eq!(
        process.deliver("deleted", "org:admin", now, now).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(ask("/all", &active).await, answer(403, "organization_changed"));
    assert_eq!(ask("/optional", &active).await, answer(200, ""));
    assert_eq!(ask("/personal", &active).await, answer(200, "user_ada"));
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
