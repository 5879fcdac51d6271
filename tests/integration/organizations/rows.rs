//! An organization is a row: from a token, from a webhook, deleted, and as a parameter of a handler.

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::routing::get;
use clerk_auth::sync::SyncOutcome;
use clerk_auth::testing::{SessionToken, event, membership_object, organization_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{Clerk, OrganizationSync, SyncedOrganization, SyncedRow, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, token};
use serde_json::{Value, json};

use super::answer::answer_of;

on_both_databases!(
    token_with_an_organization_inserts_its_row_once,
    newer_claims_win_whatever_brings_them,
    members_of_a_new_organization_insert_one_row,
    webhook_writes_the_organization_of_everybody_else,
    membership_event_writes_its_organization,
    deleted_organization_is_not_restored_by_a_token,
    organization_that_is_deleted_before_its_first_row_gets_none,
    slug_that_another_organization_has_given_up_is_taken_over,
    handler_takes_the_organization_after_the_user,
    change_of_another_process_is_served_at_once,
    hook_that_fails_inserts_nothing,
);

#[derive(Clone, Debug, PartialEq, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: String,
    slug: Option<String>,
}

async fn create_table(pool: &Pool) {
    pool.migrate::<Organization>().await;
    pool.execute("CREATE UNIQUE INDEX organizations_slug ON organizations (slug)")
        .await;
}

async fn start(database: &TestDatabase) -> (Profiles, OrganizationSync<Organization>) {
    let profiles = Profiles::start(database).await;
    create_table(&profiles.pool).await;
    let organizations = profiles.pool.organizations(&profiles.users).await;
    (profiles, organizations)
}

/// Creates a token of a member, with the organization's name.
fn member(user_id: &str, organization_id: &str, name: &str) -> SessionToken<'static> {
    let mut organization = organization_object(organization_id, Timestamp::from_secs(0));
    organization["name"] = name.into();
    token(user_id, "A member", 1)
        .organization(organization_id, "org:member")
        .organization_template(Organization::TEMPLATE, &organization)
}

/// Returns an organization object with this name, last changed at this time.
fn organization(organization_id: &str, name: &str, updated_at: Timestamp) -> Value {
    let mut organization = organization_object(organization_id, updated_at);
    organization["name"] = name.into();
    organization
}

async fn name_of(pool: &Pool, organization_id: &str) -> Option<String> {
    let sql = format!(
        "SELECT max(name) FROM organizations WHERE clerk_id = '{organization_id}' AND clerk_deleted_at IS NULL"
    );
    pool.text(&sql).await
}

async fn token_with_an_organization_inserts_its_row_once(database: TestDatabase) {
    let (profiles, organizations) = start(&database).await;
    let session = profiles.session(member("user_ada", "org_1", "Analysts")).await;
    let first = organizations
        .sync(&session)
        .await
        .expect("it syncs")
        .expect("active");
    assert_eq!(first.outcome, SyncOutcome::Inserted);
    assert_eq!(
        (first.user.name.as_str(), first.user.slug.as_deref()),
        ("Analysts", Some("1"))
    );
    let again = organizations
        .sync(&session)
        .await
        .expect("it syncs")
        .expect("active");
    // On PostgreSQL a row is cached only once the process listens.
    assert!(
        matches!(again.outcome, SyncOutcome::Cached | SyncOutcome::Unchanged),
        "{again:?}"
    );
    assert_eq!(again.user, first.user);

    let alone = profiles.session(token("user_ada", "Ada", 1)).await;
    assert_eq!(organizations.sync(&alone).await.expect("it syncs"), None);
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM organizations").await,
        1
    );
}

async fn newer_claims_win_whatever_brings_them(database: TestDatabase) {
    let (profiles, organizations) = start(&database).await;
    let now = profiles.clock.now();
    let second = |offset: i64| Timestamp::from_millis((now.as_secs() + offset) * 1_000);
    let sync = async |name: &str, read_at: i64| {
        let token = member("user_ada", "org_1", name).claims_read_at(second(read_at));
        let session = profiles.session(token).await;
        let synced = organizations
            .sync(&session)
            .await
            .expect("it syncs")
            .expect("active");
        synced.user.name
    };
    let receive = async |name: &str, updated_at: i64| {
        let renamed = event(
            "organization.updated",
            organization("org_1", name, second(updated_at)),
            now,
        );
        assert_eq!(profiles.receive(&renamed).await, StatusCode::NO_CONTENT);
    };
    assert_eq!(sync("First", -50).await, "First");
    receive("Second", -40).await;
    assert_eq!(sync("First", -45).await, "Second", "the token's claims are older");
    assert_eq!(sync("Third", -30).await, "Third");
    receive("Late", -35).await;
    assert_eq!(sync("Third", -30).await, "Third", "the delivery is late");
    assert_eq!(name_of(&profiles.pool, "org_1").await.as_deref(), Some("Third"));
}

async fn members_of_a_new_organization_insert_one_row(database: TestDatabase) {
    let (profiles, organizations) = start(&database).await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..20 {
        let session = profiles
            .session(member(&format!("user_{number}"), "org_1", "Analysts"))
            .await;
        let organizations = organizations.clone();
        running.spawn(async move { organizations.sync(&session).await });
    }
    let synced = running.join_all().await;
    let rows: Vec<_> = synced
        .into_iter()
        .map(|synced| synced.expect("no request fails for a race").expect("active"))
        .collect();
    let inserted = rows.iter().filter(|row| row.outcome == SyncOutcome::Inserted);
    assert_eq!(inserted.count(), 1);
    assert!(rows.iter().all(|row| row.user == rows[0].user));
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM organizations").await,
        1
    );
}

async fn webhook_writes_the_organization_of_everybody_else(database: TestDatabase) {
    let (profiles, _organizations) = start(&database).await;
    let now = profiles.clock.now();
    for (kind, name) in [("created", "Analysts"), ("updated", "Engineers")] {
        let changed = event(
            &format!("organization.{kind}"),
            organization("org_1", name, now),
            now,
        );
        assert_eq!(profiles.receive(&changed).await, StatusCode::NO_CONTENT);
        assert_eq!(name_of(&profiles.pool, "org_1").await.as_deref(), Some(name));
    }
}

async fn membership_event_writes_its_organization(database: TestDatabase) {
    let (profiles, _organizations) = start(&database).await;
    let now = profiles.clock.now();
    let mut joined = membership_object("user_ada", "org_1", "org:admin", now);
    joined["organization"]["name"] = "Analysts".into();
    let joined = event("organizationMembership.created", joined, now);
    assert_eq!(profiles.receive(&joined).await, StatusCode::NO_CONTENT);
    assert_eq!(
        name_of(&profiles.pool, "org_1").await.as_deref(),
        Some("Analysts")
    );
}

async fn deleted_organization_is_not_restored_by_a_token(database: TestDatabase) {
    let (profiles, organizations) = start(&database).await;
    let session = profiles.session(member("user_ada", "org_1", "Analysts")).await;
    organizations.sync(&session).await.expect("it syncs");
    let now = profiles.clock.now();
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    assert_eq!(
        profiles
            .receive(&event("organization.deleted", deleted, now))
            .await,
        StatusCode::NO_CONTENT
    );
    // The session was verified before the deletion, and its claims are newer than the row.
    assert!(matches!(
        organizations.sync(&session).await,
        Err(clerk_auth::sync::SyncError::MembershipEnded)
    ));
    let renamed = event("organization.updated", organization("org_1", "Late", now), now);
    assert_eq!(profiles.receive(&renamed).await, StatusCode::NO_CONTENT);
    assert_eq!(name_of(&profiles.pool, "org_1").await, None);
}

async fn organization_that_is_deleted_before_its_first_row_gets_none(database: TestDatabase) {
    let (profiles, organizations) = start(&database).await;
    let session = profiles.session(member("user_ada", "org_1", "Analysts")).await;
    let now = profiles.clock.now();
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    assert_eq!(
        profiles
            .receive(&event("organization.deleted", deleted, now))
            .await,
        StatusCode::NO_CONTENT
    );
    assert!(organizations.sync(&session).await.is_err());
    let late = event("organization.created", organization("org_1", "Late", now), now);
    assert_eq!(profiles.receive(&late).await, StatusCode::NO_CONTENT);
    let joined = event(
        "organizationMembership.created",
        membership_object("user_ada", "org_1", "org:admin", now),
        now,
    );
    assert_eq!(profiles.receive(&joined).await, StatusCode::NO_CONTENT);
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM organizations").await,
        0
    );
}

async fn slug_that_another_organization_has_given_up_is_taken_over(database: TestDatabase) {
    let (profiles, _organizations) = start(&database).await;
    let now = profiles.clock.now();
    for (id, slug, updated_at) in [("org_1", "team", 10), ("org_2", "team", 20)] {
        let mut changed = organization(id, id, Timestamp::from_millis(now.as_millis() + updated_at));
        changed["slug"] = slug.into();
        let changed = event("organization.updated", changed, now);
        assert_eq!(profiles.receive(&changed).await, StatusCode::NO_CONTENT);
    }
    let slug = |id: &str| format!("SELECT max(slug) FROM organizations WHERE clerk_id = '{id}'");
    assert_eq!(profiles.pool.text(&slug("org_1")).await, None);
    assert_eq!(profiles.pool.text(&slug("org_2")).await.as_deref(), Some("team"));
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<Profile>,
    organizations: OrganizationSync<Organization>,
}

#[authenticated(state = AppState)]
async fn required(_user: Profile, organization: Organization) -> String {
    organization.name
}

#[authenticated(state = AppState)]
async fn optional(_user: Profile, organization: Option<Organization>) -> String {
    organization.map_or_else(String::new, |organization| organization.name)
}

async fn handler_takes_the_organization_after_the_user(database: TestDatabase) {
    let (profiles, organizations) = start(&database).await;
    let state = AppState {
        clerk: profiles.clerk().clone(),
        users: profiles.users.clone(),
        organizations,
    };
    let app = Router::new()
        .route("/required", get(required))
        .route("/optional", get(optional))
        .with_state(state);
    let now = profiles.clock.now();
    let ask = async |path: &str, token: &str| answer_of(&app, path, token).await;
    let active = member("user_ada", "org_1", "Analysts").issued_at(now).sign();
    let alone = token("user_ada", "Ada", 1).issued_at(now).sign();
    let answer = |status: u16, text: &str| (status, text.to_owned());
    assert_eq!(ask("/required", &active).await, answer(200, "Analysts"));
    assert_eq!(ask("/optional", &active).await, answer(200, "Analysts"));
    assert_eq!(
        ask("/required", &alone).await,
        answer(403, "organization_required")
    );
    assert_eq!(ask("/optional", &alone).await, answer(200, ""));

    let removed = event(
        "organizationMembership.deleted",
        membership_object("user_ada", "org_1", "org:member", now),
        now,
    );
    assert_eq!(profiles.receive(&removed).await, StatusCode::NO_CONTENT);
    assert_eq!(
        ask("/required", &active).await,
        answer(403, "organization_changed")
    );
    assert_eq!(ask("/optional", &active).await, answer(200, ""));
}

async fn change_of_another_process_is_served_at_once(database: TestDatabase) {
    let (here, organizations) = start(&database).await;
    let there = Profiles::start(&database).await;
    let others: OrganizationSync<Organization> = there.pool.organizations(&there.users).await;
    let session = here.session(member("user_ada", "org_1", "Analysts")).await;
    organizations.sync(&session).await.expect("it syncs");
    let elsewhere = there.session(member("user_ada", "org_1", "Analysts")).await;
    others.sync(&elsewhere).await.expect("it syncs");

    let updated_at = Timestamp::from_millis(here.clock.now().as_millis() + 1_000);
    let renamed = event(
        "organization.updated",
        organization("org_1", "Engineers", updated_at),
        updated_at,
    );
    assert_eq!(here.receive(&renamed).await, StatusCode::NO_CONTENT);
    let synced = organizations
        .sync(&session)
        .await
        .expect("it syncs")
        .expect("active");
    assert_eq!(synced.user.name, "Engineers");
    // The other process has cached the row, and receives the notification.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        let synced = others.sync(&elsewhere).await.expect("it syncs").expect("active");
        if synced.user.name == "Engineers" {
            break;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the other process never receives it"
        );
        tokio::task::yield_now().await;
    }
}

async fn hook_that_fails_inserts_nothing(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    create_table(&profiles.pool).await;
    let fails = || Box::pin(async { Err("no quota".into()) });
    let organizations: OrganizationSync<Organization> = match &profiles.pool {
        Pool::Postgres(pool) => {
            OrganizationSync::builder(&profiles.users, pool.clone())
                .on_insert(move |_, _| fails())
                .build()
                .await
        }
        Pool::Sqlite(pool) => {
            OrganizationSync::builder(&profiles.users, pool.clone())
                .on_insert(move |_, _| fails())
                .build()
                .await
        }
    }
    .expect("the table fits");
    let session = profiles.session(member("user_ada", "org_1", "Analysts")).await;
    let error = organizations.sync(&session).await.expect_err("the hook fails");
    assert!(error.to_string().contains("on_insert"), "{error}");
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM organizations").await,
        0
    );
    let now = profiles.clock.now();
    let created = event(
        "organization.created",
        organization("org_1", "Analysts", now),
        now,
    );
    assert_eq!(profiles.receive(&created).await, StatusCode::SERVICE_UNAVAILABLE);
}
