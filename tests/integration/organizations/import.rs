//! Imports and verifies all of Clerk's organizations and memberships.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::id::{MembershipKey, OrganizationId, UserId};
use clerk_auth::routing::webhooks;
use clerk_auth::sync::{Import, ImportCounts, ImportCursor, ImportError, ImportedId, NotImported};
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
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use serde_json::{Value, json};
use tower::ServiceExt;

on_both_databases!(
    import_writes_the_rows_of_everybody,
    membership_without_a_referenced_row_is_skipped_and_named,
    membership_that_a_trigger_skips_is_named,
    import_resumes_at_the_cursor_of_another,
    deletion_during_an_import_hides_no_organization,
    deletion_of_the_last_object_read_hides_nothing,
    data_of_one_that_is_refused_does_not_affect_others,
    dry_run_writes_nothing,
    missing_organizations_and_memberships_are_deleted_on_request,
    deletion_of_one_is_that_of_each_process,
    instance_without_organizations_is_reported_and_nothing_is_deleted,
    refused_key_is_an_error,
    drift_is_reported_and_nothing_is_written,
    webhook_after_a_page_was_read_wins_over_the_page,
    ended_membership_is_restored_by_newer_data_only,
    hooks_run_once_for_each_row,
    cursor_of_another_kind_is_refused,
    imports_and_deliveries_at_once_keep_rows_right,
);

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

async fn import_writes_the_rows_of_everybody(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(9, 5);
    assert_eq!(it.api.organization_count().await.expect("it counts"), 5);
    assert_eq!(it.api.membership_count().await.expect("it counts"), memberships);
    for page_size in [500, 1, 2, 3] {
        for table in ["team_members", "teams", "people"] {
            it.process.pool.execute(&format!("DELETE FROM {table}")).await;
        }
        it.people().run().await.expect("it is imported");
        let teams = it
            .teams()
            .page_size(page_size)
            .run()
            .await
            .expect("it is imported");
        let members = it.members().page_size(page_size).run().await;
        let members = members.expect("it is imported");
        assert_eq!(numbers(teams), [5, 0, 0, 0, 0, 0], "pages of {page_size}");
        assert_eq!(
            numbers(members),
            [memberships, 0, 0, 0, 0, 0],
            "pages of {page_size}"
        );
        let joined = "SELECT count(*) FROM team_members
            JOIN people ON people.id = team_members.user_id
            JOIN teams ON teams.id = team_members.organization_id
            WHERE team_members.clerk_key = people.clerk_id || ':' || teams.clerk_id AND role = 'org:member'";
        assert_eq!(it.process.number(joined).await.unsigned_abs(), memberships);
    }
    assert!(it.is_right().await);

    it.fake.put_membership(member(1, 0, "org:member"));
    let mut renamed = team(2);
    renamed["name"] = "Renamed".into();
    renamed["updated_at"] = second(50).as_millis().into();
    it.fake.put_organization(renamed);
    let mut promoted = member(4, 2, "org:admin");
    promoted["updated_at"] = second(9_000).as_millis().into();
    it.fake.put_membership(promoted);
    let [_, teams, members] = it.import_all().await;
    assert_eq!(numbers(teams), [0, 1, 4, 0, 0, 0]);
    assert_eq!(numbers(members), [0, 1, memberships - 1, 0, 0, 0]);
    assert_eq!(
        it.process.role("user_4:org_2").await.as_deref(),
        Some("org:admin")
    );
}

async fn membership_without_a_referenced_row_is_skipped_and_named(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(4, 2);
    let (counts, not_imported) = run(it.members()).await;
    assert_eq!(numbers(counts), [0, 0, 0, memberships, 0, 0]);
    assert!(
        not_imported
            .iter()
            .all(|(_, reason)| matches!(reason, NotImported::ReferenceMissing)),
        "{not_imported:?}"
    );
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    it.process
        .pool
        .execute("DELETE FROM teams WHERE clerk_id = 'org_1'")
        .await;
    it.process
        .pool
        .execute("DELETE FROM people WHERE clerk_id = 'user_3'")
        .await;
    // A page of one object uses other statements than a large page.
    for page_size in [500, 1] {
        it.process.pool.execute("DELETE FROM team_members").await;
        let (counts, mut not_imported) = run(it.members().page_size(page_size)).await;
        assert_eq!(counts.inserted, 2, "pages of {page_size}: {not_imported:?}");
        not_imported.sort_by(|one, other| one.0.cmp(&other.0));
        let keys: Vec<MembershipKey> = not_imported.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, [key(2, 1), key(3, 0), key(3, 1)]);
        for (_, reason) in &not_imported {
            assert_eq!(
                reason.to_string(),
                "the membership's user or organization has no row: import users and organizations before memberships"
            );
        }
    }
    let drift = it.process.members.verify(&it.api).await.expect("it is verified");
    assert_eq!((drift.missing.count, drift.rows), (3, 2));
    it.import_all().await;
    assert!(it.is_right().await);
}

async fn membership_that_a_trigger_skips_is_named(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(2, 2);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    it.process
        .pool
        .skip_writes("team_members", "INSERT", "true")
        .await;
    for page_size in [500, 1] {
        let (counts, not_imported) = run(it.members().page_size(page_size)).await;
        assert_eq!(numbers(counts), [0, 0, 0, memberships, 0, 0]);
        assert!(
            not_imported
                .iter()
                .all(|(_, reason)| matches!(reason, NotImported::NotStored)),
            "{not_imported:?}"
        );
    }
}

async fn import_resumes_at_the_cursor_of_another(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(8, 6);
    it.people().run().await.expect("it is imported");
    for crash_after in 0..7 {
        for table in ["team_members", "teams"] {
            it.process.pool.execute(&format!("DELETE FROM {table}")).await;
        }
        resumed(it.teams(), it.teams(), crash_after).await;
        resumed(it.members(), it.members(), crash_after).await;
        let rows = it.process.number("SELECT count(*) FROM team_members").await;
        assert_eq!(
            rows.unsigned_abs(),
            memberships,
            "crashed after {crash_after} steps"
        );
        assert!(it.is_right().await, "crashed after {crash_after} steps");
    }
}

/// Drops the first import after this many steps, in the middle of the next one, and resumes the second import at its
/// cursor.
async fn resumed<R: SyncedRow, I: ImportedId>(first: Import<R, I>, second: Import<R, I>, crash_after: usize) {
    let mut first = first.page_size(2);
    let mut cursor: Option<String> = None;
    for _ in 0..crash_after {
        let Some(step) = first.next().await else { break };
        let step = step.expect("it is imported");
        cursor = step.cursor.map(|cursor| cursor.to_string());
    }
    {
        let mut next = pin!(first.next());
        poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_ready())).await;
    }
    drop(first);
    let mut second = second.page_size(2);
    if let Some(cursor) = cursor {
        let cursor: ImportCursor = cursor.parse().expect("it is a cursor");
        second = second.resume_from(cursor);
    }
    second.run().await.expect("it is imported");
}

async fn deletion_during_an_import_hides_no_organization(database: TestDatabase) {
    let it = start(&database).await;
    let teams: i64 = 12;
    it.populate(0, teams);
    // All earlier organizations are deleted after each step, so that the others have smaller offsets.
    for page_size in [1, 2, 3, 5] {
        it.process.pool.execute("DELETE FROM teams").await;
        it.populate(0, teams);
        let mut import = it.teams().page_size(page_size);
        let mut kept = None;
        while let Some(step) = import.next().await {
            let step = step.expect("it is imported");
            kept = step.cursor;
            let read = i64::try_from(step.counts.total()).expect("a few");
            for number in 0..read - 1 {
                it.fake.remove_organization(&format!("org_{number}"));
            }
            // The page that is fetched meanwhile may be older than the deletions.
            drop(import);
            import = it
                .teams()
                .page_size(page_size)
                .resume_from(kept.clone().expect("a cursor"));
        }
        let _ = kept;
        assert_eq!(
            it.process.number("SELECT count(*) FROM teams").await,
            teams,
            "pages of {page_size}"
        );
    }
}

async fn deletion_of_the_last_object_read_hides_nothing(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(0, 9);
    let mut import = it.teams().page_size(3);
    let step = import.next().await.expect("a step").expect("it is imported");
    drop(import);
    let cursor = step.cursor.expect("a cursor");
    for gone in [0, 1, 2] {
        it.fake.remove_organization(&format!("org_{gone}"));
    }
    let rest = it.teams().page_size(3).resume_from(cursor).run().await;
    assert_eq!(rest.expect("it is imported").inserted, 6);
    assert_eq!(it.process.number("SELECT count(*) FROM teams").await, 9);
}

async fn data_of_one_that_is_refused_does_not_affect_others(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(6, 4);
    let mut refused = team(1);
    refused["name"] = "refused".into();
    it.fake.put_organization(refused);
    let mut nameless = team(2);
    nameless["name"] = Value::Null;
    it.fake.put_organization(nameless);
    let mut unreadable = team(3);
    unreadable["updated_at"] = "yesterday".into();
    it.fake.put_organization(unreadable);
    it.people().run().await.expect("it is imported");
    let (counts, not_imported) = run(it.teams()).await;
    assert_eq!((counts.inserted, counts.skipped), (1, 3));
    for (id, reason) in &not_imported {
        let is_right = match id.as_str() {
            "org_1" => matches!(reason, NotImported::Refused { code: Some(_), .. }),
            "org_2" => matches!(reason, NotImported::Claims(_)),
            "org_3" => matches!(reason, NotImported::NotAnOrganization),
            _ => false,
        };
        assert!(is_right, "{id}: {reason}");
    }
    let drift = it.process.teams.verify(&it.api).await.expect("it is verified");
    assert_eq!((drift.missing.count, drift.unreadable.count), (1, 2), "{drift}");

    it.populate(6, 4);
    it.teams().run().await.expect("it is imported");
    it.fake.put_membership(member(3, 1, "refused"));
    let mut unknown = member(4, 1, "org:member");
    unknown["public_user_data"] = Value::Null;
    it.fake.put_membership(unknown);
    let mut roleless = member(5, 1, "org:member");
    roleless["role"] = json!(["org:member"]);
    it.fake.put_membership(roleless);
    let (counts, not_imported) = run(it.members()).await;
    assert_eq!((counts.inserted, counts.skipped), (memberships - 3, 3));
    for (id, reason) in &not_imported {
        let is_right = match &*id.to_string() {
            "user_3 in org_1" => matches!(reason, NotImported::Refused { code: Some(_), .. }),
            "an unknown user in org_1" => matches!(reason, NotImported::NotAMembership),
            "user_5 in org_1" => matches!(reason, NotImported::Claims(_)),
            _ => false,
        };
        assert!(is_right, "{id}: {reason}");
    }
}

async fn dry_run_writes_nothing(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(5, 3);
    let teams = it.teams().dry_run().run().await.expect("it is counted");
    let members = it.members().dry_run().run().await.expect("it is counted");
    assert_eq!((teams.inserted, members.inserted), (3, memberships));
    for table in ["people", "teams", "team_members"] {
        assert_eq!(
            it.process.number(&format!("SELECT count(*) FROM {table}")).await,
            0
        );
    }
    it.import_all().await;
    it.fake.remove_membership("user_2", "org_0");
    it.fake.remove_organization("org_2");
    let teams = it.teams().dry_run().delete_missing().run().await;
    let members = it.members().dry_run().delete_missing().run().await;
    assert_eq!(teams.expect("it is counted").deleted, 1);
    // Includes those of the organization.
    assert_eq!(members.expect("it is counted").deleted, 3);
    let marked = "SELECT (SELECT count(*) FROM teams WHERE clerk_deleted_at IS NOT NULL)
        + (SELECT count(*) FROM team_members WHERE clerk_deleted_at IS NOT NULL)";
    assert_eq!(it.process.number(marked).await, 0);
    assert_eq!(it.organization_of(2, 0).await.as_deref(), Some("org_0"));
}

impl Fixture {
    /// Returns the organization of a session whose claims were read a while ago.
    async fn organization_of(&self, user: i64, team: i64) -> Option<String> {
        self.process.organization_of(&self.fake, user, team).await
    }
}

impl Process {
    async fn organization_of(&self, fake: &FakeClerk, user: i64, team: i64) -> Option<String> {
        let token = fake
            .issuer()
            .token(&format!("user_{user}"))
            .organization(&format!("org_{team}"), "org:member")
            .claims_read_at(Timestamp::from_secs(SystemClock.now().as_secs() - 30));
        let bearer = format!("Bearer {}", token.sign())
            .parse()
            .expect("a header value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let session = self.clerk.authenticate(&headers).await.expect("it is valid");
        session
            .organization()
            .map(|organization| organization.id().to_string())
    }
}

async fn missing_organizations_and_memberships_are_deleted_on_request(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(7, 4);
    it.import_all().await;
    it.fake.remove_membership("user_3", "org_1");
    it.fake.remove_organization("org_2");
    it.fake.remove_user("user_6");
    let [_, teams, members] = it.import_all().await;
    assert_eq!((teams.deleted, members.deleted), (0, 0), "nobody asked for it");

    let teams = it.teams().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(teams), [0, 0, 3, 0, 0, 1]);
    // The removed membership, those of the organization (users 3 to 6), and the three others of the user.
    let gone = 1 + 4 + 3;
    let members = it.members().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(members), [0, 0, memberships - gone, 0, 0, gone]);
    let marked = "SELECT count(*) FROM team_members WHERE clerk_deleted_at IS NOT NULL";
    assert_eq!(it.process.number(marked).await.unsigned_abs(), gone);
    assert_eq!(it.process.role("user_3:org_1").await, None);
    assert_eq!(
        it.process.role("user_3:org_0").await.as_deref(),
        Some("org:member")
    );
    let again = it.members().delete_missing().run().await.expect("it is imported");
    assert_eq!(again.deleted, 0);
    assert!(it.is_right().await);
    // The deleted organization is not restored, even by a list of Clerk's that is newer.
    let mut restored = team(2);
    restored["updated_at"] = SystemClock.now().as_millis().into();
    it.fake.put_organization(restored);
    let (counts, not_imported) = run(it.teams()).await;
    assert_eq!(counts.skipped, 1);
    assert!(
        matches!(&*not_imported, [(id, NotImported::Deleted)] if id.as_str() == "org_2"),
        "{not_imported:?}"
    );
}

async fn deletion_of_one_is_that_of_each_process(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(5, 3);
    it.import_all().await;
    let there = Process::start(&it.fake, it.process.pool.clone()).await;
    it.fake.remove_membership("user_3", "org_1");
    it.fake.remove_organization("org_2");
    it.teams().delete_missing().run().await.expect("it is imported");
    it.members().delete_missing().run().await.expect("it is imported");
    let restarted = Process::start(&it.fake, it.process.pool.clone()).await;
    for process in [&it.process, &restarted] {
        for (user, team, expected) in [
            (3, 1, None),
            (4, 2, None),
            (3, 0, Some("org_0")),
            (4, 1, Some("org_1")),
        ] {
            let organization = process.organization_of(&it.fake, user, team).await;
            assert_eq!(organization.as_deref(), expected, "user_{user} in org_{team}");
        }
    }
    // The other process reads the denial a little later.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while there.organization_of(&it.fake, 3, 1).await.is_some() {
        assert!(
            std::time::Instant::now() < deadline,
            "the other process still has the membership"
        );
        tokio::task::yield_now().await;
    }
}

async fn instance_without_organizations_is_reported_and_nothing_is_deleted(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(5, 3);
    it.import_all().await;
    for status in [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
        it.fake.disable_organizations(status);
        for _ in 0..2 {
            let teams = it.teams().delete_missing().run().await.expect("it is no error");
            let members = it.members().delete_missing().run().await.expect("it is no error");
            for counts in [teams, members] {
                assert!(counts.organizations_disabled);
                assert_eq!(counts.total(), 0, "{counts}");
                assert!(
                    counts.to_string().starts_with("organizations are switched off"),
                    "{counts}"
                );
            }
        }
        let drift = it.process.teams.verify(&it.api).await.expect("it is no error");
        assert!(drift.organizations_disabled && drift.is_empty());
        let drift = it.process.members.verify(&it.api).await.expect("it is no error");
        assert!(drift.organizations_disabled && drift.is_empty());
        let refused = it.api.organizations(0, 10).await;
        assert!(
            matches!(refused, Err(BackendApiError::OrganizationsDisabled { status: it, .. }) if it == status.as_u16()),
            "{refused:?}"
        );
    }
    it.fake.disable_organizations(None);
    assert!(it.is_right().await);
    let users = it.people().run().await.expect("it is imported");
    let json = serde_json::to_value(users).expect("it is JSON");
    assert_eq!(json.get("organizations_disabled"), None);

    // Switched off in the middle: the counts so far remain.
    let mut import = it.teams().page_size(1);
    import.next().await.expect("a step").expect("it is imported");
    let cursor = import
        .next()
        .await
        .expect("a step")
        .expect("it is imported")
        .cursor;
    drop(import);
    it.fake.disable_organizations(StatusCode::FORBIDDEN);
    let resumed = it
        .teams()
        .resume_from(cursor.expect("a cursor"))
        .delete_missing()
        .run()
        .await;
    let resumed = resumed.expect("it is no error");
    assert!(resumed.organizations_disabled && resumed.deleted == 0);
}

async fn refused_key_is_an_error(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(3, 2);
    it.fake.disable_organizations(StatusCode::UNAUTHORIZED);
    let refused = it.teams().run().await;
    assert!(
        matches!(refused, Err(ImportError::Clerk(BackendApiError::Unauthorized(_)))),
        "{refused:?}"
    );
    let other = FakeClerk::start().await.expect("a port is free");
    other.put_organization(team(1));
    let api = BackendApi::with_base_url(other.issuer().url(), "sk_test_secret");
    let api = api.expect("the key and the address are right");
    let refused = it.process.teams.import(&api).delete_missing().run().await;
    assert!(
        matches!(refused, Err(ImportError::OtherInstance { .. })),
        "{refused:?}"
    );
    assert_eq!(it.process.number("SELECT count(*) FROM teams").await, 0);
}

async fn drift_is_reported_and_nothing_is_written(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(6, 4);
    it.import_all().await;
    let sql = "UPDATE teams SET name = 'Other' WHERE clerk_id = 'org_0'";
    it.process.pool.execute(sql).await;
    it.fake.put_organization(team(7));
    it.fake.remove_organization("org_3");
    let sql = "UPDATE teams SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_id = 'org_1'";
    it.process.pool.execute(sql).await;
    let drift = it.process.teams.verify(&it.api).await.expect("it is verified");
    assert!(!drift.is_empty());
    let list = |id: &str| json!({ "count": 1, "ids": [id] });
    assert_eq!(
        serde_json::to_value(&drift).expect("it is JSON"),
        json!({
            "in_clerk": 4,
            "rows": 3,
            "missing": list("org_7"),
            "stale": list("org_0"),
            "extra": list("org_3"),
            "deleted": list("org_1"),
            "unreadable": { "count": 0, "ids": [] },
            "reasons": [["org_1", "the row is marked as deleted"]],
        })
    );
    assert_eq!(
        drift.to_string(),
        "4 organizations, 3 rows: 1 missing, 1 stale, 1 extra, 1 deleted, 0 unreadable\nmissing org_7\nstale org_0\n\
         extra org_3\ndeleted org_1: the row is marked as deleted"
    );
    assert_eq!(
        it.process.teams.verify(&it.api).await.expect("it is verified"),
        drift
    );

    let sql = "UPDATE team_members SET role = 'org:other' WHERE clerk_key = 'user_1:org_0'";
    it.process.pool.execute(sql).await;
    let sql = "UPDATE team_members SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_key = 'user_2:org_1'";
    it.process.pool.execute(sql).await;
    it.process
        .pool
        .execute("DELETE FROM team_members WHERE clerk_key = 'user_3:org_0'")
        .await;
    it.fake.remove_membership("user_5", "org_2");
    let drift = it.process.members.verify(&it.api).await.expect("it is verified");
    assert_eq!(drift.missing.ids, [key(3, 0)]);
    assert_eq!(drift.stale.ids, [key(1, 0)]);
    assert_eq!(drift.deleted.ids, [key(2, 1)]);
    // The others belong to the removed organization.
    assert_eq!(drift.extra.ids, [key(4, 3), key(5, 2), key(5, 3)]);
    assert_eq!(
        serde_json::to_value(&drift).expect("it is JSON")["missing"],
        json!({ "count": 1, "ids": [{ "user_id": "user_3", "organization_id": "org_0" }] })
    );
    let text = drift.to_string();
    assert!(text.contains("\nmissing user_3 in org_0\n"), "{text}");
    it.teams().delete_missing().run().await.expect("it is imported");
    it.members().delete_missing().run().await.expect("it is imported");
    let drift = it.process.members.verify(&it.api).await.expect("it is verified");
    assert_eq!(
        (drift.missing.count, drift.stale.count, drift.extra.count),
        (0, 0, 0),
        "{drift}"
    );
}

async fn webhook_after_a_page_was_read_wins_over_the_page(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(4, 3);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    let process = &it.process;
    // A page of memberships is read twice: first without rows, then with all rows.
    for has_rows in [false, true] {
        let objects = it.api.memberships(0, 500).await.expect("a page");
        assert_eq!(objects.len(), 6);
        let mut import = it.members().page_size(1);
        import.next().await.expect("a step").expect("it is imported");
        // The second page, of one membership, is fetched while the first is written.
        let paths = || it.fake.requests("/v1/organization_memberships");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while paths() < 3 + usize::from(has_rows) * 3 {
            assert!(
                std::time::Instant::now() < deadline,
                "the next page is not fetched: {}",
                paths()
            );
            tokio::task::yield_now().await;
        }
        let ended = member(2, 0, "org:member");
        let happened_at = SystemClock.now();
        process
            .receive("organizationMembership.deleted", ended, happened_at)
            .await;
        let step = import.next().await.expect("a step").expect("it is imported");
        assert_eq!(process.role("user_2:org_0").await, None, "rows: {has_rows}");
        assert!(
            matches!(&*step.not_imported, [(id, NotImported::Deleted)] if *id == key(2, 0)),
            "{step:?}"
        );
        drop(import);
        // The member returns with another role, and a late page has the earlier membership.
        let mut returned = member(2, 0, "org:admin");
        returned["updated_at"] = (happened_at.as_millis() + 5).into();
        process
            .receive("organizationMembership.created", returned.clone(), happened_at)
            .await;
        let (counts, _) = run(it.members()).await;
        assert_eq!(counts.updated, 0);
        assert_eq!(process.role("user_2:org_0").await.as_deref(), Some("org:admin"));
    }
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    process
        .receive("organization.deleted", deleted, SystemClock.now())
        .await;
    process
        .pool
        .execute("DELETE FROM teams WHERE clerk_id = 'org_1'")
        .await;
    // No row records the deletion of the organization, and the list is older than the deletion.
    let (counts, not_imported) = run(it.teams()).await;
    assert_eq!((counts.inserted, counts.skipped), (0, 1), "{not_imported:?}");
}

async fn ended_membership_is_restored_by_newer_data_only(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(3, 2);
    it.import_all().await;
    let left_at = Timestamp::from_millis(SystemClock.now().as_millis() - 10_000);
    it.process
        .receive(
            "organizationMembership.deleted",
            member(2, 1, "org:member"),
            left_at,
        )
        .await;
    for (offset, expected) in [(-1, None), (0, None), (1, Some("org:admin"))] {
        let mut listed = member(2, 1, "org:admin");
        listed["updated_at"] = (left_at.as_millis() + offset).into();
        it.fake.put_membership(listed);
        for page_size in [500, 1] {
            it.members()
                .page_size(page_size)
                .run()
                .await
                .expect("it is imported");
            let role = it.process.role("user_2:org_1").await;
            assert_eq!(role.as_deref(), expected, "{offset} ms after the end");
        }
    }
    // A process that has received no event detects the end only by the row.
    it.process.pool.execute("DELETE FROM clerk_denials").await;
    let ended_at = SystemClock.now();
    let sql = format!(
        "UPDATE team_members SET clerk_deleted_at = CURRENT_TIMESTAMP, clerk_version = {} WHERE clerk_key = 'user_2:org_0'",
        ended_at.as_millis()
    );
    it.process.pool.execute(&sql).await;
    let there = Process::start(&it.fake, it.process.pool.clone()).await;
    for (offset, expected) in [(0, None), (1, Some("org:guest"))] {
        let mut listed = member(2, 0, "org:guest");
        listed["updated_at"] = (ended_at.as_millis() + offset).into();
        it.fake.put_membership(listed);
        let counts = there.members.import(&it.api).run().await.expect("it is imported");
        assert_eq!(counts.skipped == 0, expected.is_some());
        assert_eq!(there.role("user_2:org_0").await.as_deref(), expected);
    }
}

async fn hooks_run_once_for_each_row(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(5, 3);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    it.process
        .pool
        .execute("CREATE TABLE seats (member BIGINT NOT NULL, what TEXT NOT NULL)")
        .await;
    let (people, teams) = (&it.process.people, &it.process.teams);
    let members = match &it.process.pool {
        Pool::Postgres(pool) => {
            MembershipSync::<TeamMember>::builder(people, teams, pool.clone())
                .on_insert(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'joined')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .on_delete(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'left')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .build()
                .await
        }
        Pool::Sqlite(pool) => {
            MembershipSync::<TeamMember>::builder(people, teams, pool.clone())
                .on_insert(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'joined')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .on_delete(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'left')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .build()
                .await
        }
    };
    let members = members.expect("the table fits");
    for _ in 0..2 {
        members.import(&it.api).run().await.expect("it is imported");
    }
    it.fake.remove_membership("user_3", "org_1");
    for _ in 0..2 {
        let import = members.import(&it.api).delete_missing();
        import.run().await.expect("it is imported");
    }
    let count = |what: &str| format!("SELECT count(*) FROM seats WHERE what = '{what}'");
    assert_eq!(it.process.number(&count("joined")).await, 9);
    assert_eq!(it.process.number(&count("left")).await, 1);
}

async fn cursor_of_another_kind_is_refused(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(3, 2);
    let cursors = [
        "users after user_1",
        "rows after user_1",
        "organizations after org_1, offset 1, created 1700000001000",
        "organization rows after org_1",
        "memberships after orgmem_1_user_2, offset 1",
        "membership rows after user_1:org_1",
    ];
    for (place, text) in cursors.into_iter().enumerate() {
        let cursor: ImportCursor = text.parse().expect("it is a cursor");
        let users = it.people().resume_from(cursor.clone()).run().await;
        let teams = it.teams().resume_from(cursor.clone()).run().await;
        let members = it.members().resume_from(cursor).run().await;
        for (kind, done) in [users, teams, members].into_iter().enumerate() {
            match done {
                Ok(_) => assert_eq!(kind, place / 2, "{text}"),
                Err(ImportError::OtherCursor { cursor, .. }) => {
                    assert_eq!(cursor, text);
                    assert_ne!(kind, place / 2, "{text}");
                }
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }
}

async fn imports_and_deliveries_at_once_keep_rows_right(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(12, 6);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    let there = Process::start(&it.fake, it.process.pool.clone()).await;
    for round in 0..4_i64 {
        let import = |process: &Process| process.members.import(&it.api).page_size(7).run();
        let deliveries = async {
            for user in 1..12 {
                let changed_at = Timestamp::from_millis(SystemClock.now().as_millis() + round);
                let mut changed = member(user, 0, &format!("org:role{round}"));
                changed["updated_at"] = changed_at.as_millis().into();
                it.fake.put_membership(changed.clone());
                there
                    .receive("organizationMembership.updated", changed, changed_at)
                    .await;
            }
        };
        let (one, other, ()) = tokio::join!(import(&it.process), import(&there), deliveries);
        one.expect("it is imported");
        other.expect("it is imported");
        for user in 1..12 {
            let role = it.process.role(&format!("user_{user}:org_0")).await;
            assert_eq!(role, Some(format!("org:role{round}")), "user_{user}");
        }
    }
    it.members().run().await.expect("it is imported");
    assert!(it.is_right().await);
}
