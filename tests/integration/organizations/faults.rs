//! Faults around an organization's row: the answers, the log, and the unchanged row.

use axum::extract::FromRef;
use axum::http::{Request, StatusCode, header::AUTHORIZATION};
use axum::routing::get;
use axum::{Router, body::Body};
use clerk_auth::routing::webhooks;
use clerk_auth::row::{StoredIn, SyncedRow};
use clerk_auth::sync::{CREATE_DENIALS, SyncError};
use clerk_auth::testing::{
    Issuer, MovableClock, SessionToken, SignedDelivery, event, membership_object, organization_object,
};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, OrganizationSync, Session, SyncedOrganization, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, issuer, token};
use serde_json::{Value, json};
use tower::ServiceExt;

on_both_databases!(
    data_that_the_table_refuses_answers_422_and_changes_nothing,
    value_that_another_organization_has_answers_409_and_changes_nothing,
    value_of_a_row_that_sync_has_not_written_is_left_there,
    token_without_the_claims_of_the_organization_answers_503,
    database_that_is_down_answers_503_where_a_row_is_taken,
    odd_delivery_leaves_the_row,
    deletion_while_members_arrive_leaves_no_live_row,
    hook_of_a_deletion_runs_once_with_the_row_removed,
    agent_is_admitted_where_the_policy_admits_one,
    visitor_is_refused_without_a_guard,
    session_of_another_instance_reaches_no_row,
    log_names_the_organization,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[derive(Clone, Debug, PartialEq, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{
        "orgName": "{{org.name}}",
        "orgSlug": "{{org.slug}}",
        "orgPlan": "{{org.public_metadata.plan}}"
    }"#,
    database(postgres, sqlite)
)]
struct Organization {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: String,
    slug: Option<String>,
    plan: Option<Value>,
}

/// The row of a deleted organization is removed.
#[derive(Clone, Debug, PartialEq, SyncedOrganization)]
#[synced_organization(
    table = "teams",
    tombstones = "former_teams",
    template_json = r#"{"orgName": "{{org.name}}"}"#,
    database(postgres, sqlite)
)]
struct Team {
    clerk_id: String,
    name: String,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<Profile>,
    organizations: OrganizationSync<Organization>,
}

struct App {
    pool: Pool,
    clock: MovableClock,
    state: AppState,
}

#[authenticated(state = AppState)]
async fn required(_user: Profile, organization: Organization) -> String {
    organization.name
}

#[authenticated(state = AppState)]
async fn claims(session: Session) -> String {
    session.user_id().to_string()
}

#[authenticated(state = AppState, agent = "allow")]
async fn for_agents(_user: Profile, organization: Organization) -> String {
    organization.name
}

async fn unguarded(organization: Organization) -> String {
    organization.name
}

impl App {
    /// Starts with a table of organizations, to which the statement adds constraints.
    async fn start(database: &TestDatabase, more: &str) -> Self {
        Self::start_on(database, more, false).await
    }

    async fn start_on(database: &TestDatabase, more: &str, denies_agents: bool) -> Self {
        let pool = Pool::open(database.url(), 10).await;
        pool.execute(CREATE_DENIALS).await;
        let create_table = match &pool {
            Pool::Postgres(_) => <Organization as StoredIn<sqlx::Postgres>>::create_table(),
            Pool::Sqlite(_) => <Organization as StoredIn<sqlx::Sqlite>>::create_table(),
        };
        pool.execute(&create_table.replace(
            r#""name" TEXT NOT NULL"#,
            &format!(r#""name" TEXT NOT NULL {more}"#),
        ))
        .await;
        let clock = MovableClock::new(SystemClock.now());
        let builder = Clerk::builder()
            .issuer(issuer().url())
            .jwt_key(issuer().public_key_pem())
            .clock(clock.clone());
        let builder = if denies_agents {
            builder.deny_agents()
        } else {
            builder
        };
        let clerk = builder.build().expect("the configuration is right");
        let (users, organizations) = match &pool {
            Pool::Postgres(pool) => {
                let users = UserSync::new(clerk.clone(), pool.clone())
                    .await
                    .expect("the table fits");
                let organizations = OrganizationSync::new(&users, pool.clone()).await;
                (users, organizations)
            }
            Pool::Sqlite(pool) => {
                let users = UserSync::new(clerk.clone(), pool.clone())
                    .await
                    .expect("the table fits");
                let organizations = OrganizationSync::new(&users, pool.clone()).await;
                (users, organizations)
            }
        };
        let state = AppState {
            clerk,
            users,
            organizations: organizations.expect("the table fits"),
        };
        Self { pool, clock, state }
    }

    /// Returns the status, and the code of a problem or the body.
    async fn get(&self, path: &str, token: Option<SessionToken<'_>>) -> (u16, String) {
        let app = Router::new()
            .route("/required", get(required))
            .route("/claims", get(claims))
            .route("/agents", get(for_agents))
            .route("/unguarded", get(unguarded))
            .with_state(self.state.clone());
        let mut request = Request::get(path);
        if let Some(token) = token {
            let token = token.issued_at(self.clock.now()).sign();
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 4_096)
            .await
            .expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("text");
        let problem = serde_json::from_str::<Value>(&text).ok();
        let code = problem.and_then(|problem| Some(problem["code"].as_str()?.to_owned()));
        (status, code.unwrap_or(text))
    }

    async fn receive(&self, body: &str) -> StatusCode {
        let now = self.clock.now();
        let id = format!("msg_{}", body.len());
        let delivery = SignedDelivery::raw(SECRET, &id, &now.as_secs().to_string(), body.to_owned());
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(self.clock.clone());
        let router: Router = Router::new().route("/", webhooks(&self.state.users, verifier));
        router
            .oneshot(delivery.request("/"))
            .await
            .expect("an answer")
            .status()
    }

    async fn session(&self, token: SessionToken<'_>) -> Session {
        let headers = [(
            AUTHORIZATION,
            format!("Bearer {}", token.issued_at(self.clock.now()).sign()),
        )];
        let headers = headers.map(|(name, value)| (name, value.parse().expect("a header's value")));
        let session = self
            .state
            .clerk
            .authenticate(&headers.into_iter().collect())
            .await;
        session.expect("the token is valid")
    }

    /// Returns the rows, as `id name slug`.
    async fn rows(&self) -> String {
        let sql = match self.pool {
            Pool::Postgres(_) => {
                "SELECT string_agg(concat_ws(' ', clerk_id, name, slug), ', ' ORDER BY clerk_id) FROM organizations"
            }
            Pool::Sqlite(_) => {
                "SELECT group_concat(clerk_id || ' ' || name || coalesce(' ' || slug, ''), ', ') \
                 FROM (SELECT * FROM organizations ORDER BY clerk_id)"
            }
        };
        self.pool.text(sql).await.unwrap_or_default()
    }
}

/// Creates a token of a member of an organization with this name and slug.
fn member(user_id: &str, organization_id: &str, name: &str, slug: &str) -> SessionToken<'static> {
    let mut organization = organization_object(organization_id, Timestamp::from_secs(0));
    organization["name"] = name.into();
    organization["slug"] = slug.into();
    token(user_id, "A member", 1)
        .organization(organization_id, "org:member")
        .organization_template(Organization::TEMPLATE, &organization)
}

fn answer(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

async fn data_that_the_table_refuses_answers_422_and_changes_nothing(database: TestDatabase) {
    let app = App::start(&database, "CHECK (length(name) < 10)").await;
    let ask = async |name: &str| {
        app.get("/required", Some(member("user_ada", "org_1", name, "one")))
            .await
    };
    assert_eq!(ask("Analysts").await, answer(200, "Analysts"));
    assert_eq!(
        ask("A name too long").await,
        answer(422, "organization_data_refused")
    );
    assert_eq!(app.rows().await, "org_1 Analysts one");

    let now = app.clock.now();
    let mut renamed = organization_object("org_1", now);
    renamed["name"] = "A name too long".into();
    let renamed = event("organization.updated", renamed, now).to_string();
    assert_eq!(
        app.receive(&renamed).await,
        StatusCode::NO_CONTENT,
        "no retry would help"
    );
    assert_eq!(app.rows().await, "org_1 Analysts one");
}

async fn value_that_another_organization_has_answers_409_and_changes_nothing(database: TestDatabase) {
    let app = App::start(&database, "UNIQUE").await;
    let ask = async |id: &str| {
        app.get("/required", Some(member("user_ada", id, "Analysts", id)))
            .await
    };
    assert_eq!(ask("org_1").await, answer(200, "Analysts"));
    // Clerk does not keep names unique, so the version does not decide.
    assert_eq!(ask("org_2").await, answer(409, "organization_conflict"));
    assert_eq!(app.rows().await, "org_1 Analysts org_1");
    assert_eq!(ask("org_1").await, answer(200, "Analysts"));
}

async fn value_of_a_row_that_sync_has_not_written_is_left_there(database: TestDatabase) {
    let app = App::start(&database, "").await;
    app.pool
        .execute("CREATE UNIQUE INDEX organizations_slug ON organizations (slug)")
        .await;
    app.pool
        .execute(
            "INSERT INTO organizations (clerk_id, name, slug, clerk_version) \
             VALUES ('placeholder_1', 'Imported', 'one', 0)",
        )
        .await;
    let asked = app
        .get("/required", Some(member("user_ada", "org_1", "Analysts", "one")))
        .await;
    assert_eq!(asked, answer(409, "organization_conflict"));
    assert_eq!(app.rows().await, "placeholder_1 Imported one");
}

async fn token_without_the_claims_of_the_organization_answers_503(database: TestDatabase) {
    let app = App::start(&database, "").await;
    let bare = || token("user_ada", "Ada", 1).organization("org_1", "org:member");
    assert_eq!(
        app.get("/required", Some(bare())).await,
        answer(503, "session_token_incomplete")
    );
    assert_eq!(app.get("/claims", Some(bare())).await, answer(200, "user_ada"));
    assert_eq!(app.rows().await, "");
}

async fn database_that_is_down_answers_503_where_a_row_is_taken(database: TestDatabase) {
    let app = App::start(&database, "").await;
    app.pool.close().await;
    let token = || Some(member("user_ada", "org_1", "Analysts", "one"));
    for path in ["/required", "/unguarded"] {
        assert_eq!(
            app.get(path, token()).await,
            answer(503, "database_unavailable"),
            "{path}"
        );
    }
    assert_eq!(app.get("/claims", token()).await, answer(200, "user_ada"));
}

async fn odd_delivery_leaves_the_row(database: TestDatabase) {
    let app = App::start(&database, "").await;
    app.get("/required", Some(member("user_ada", "org_1", "Analysts", "one")))
        .await;
    let later = Timestamp::from_millis(app.clock.now().as_millis() + 1_000);
    let odd = |name: &str, value: &str| {
        let mut organization = organization_object("org_1", later);
        organization["name"] = "Renamed".into();
        organization[name] = "ODD".into();
        let event = event("organization.updated", organization, later).to_string();
        event.replace(r#""ODD""#, value)
    };
    for (name, value) in [
        ("name", "null"),
        ("name", "7"),
        ("name", r#""\ud800""#),
        ("updated_at", "null"),
        ("updated_at", r#""soon""#),
        ("public_metadata", r#"{"plan":"\ud800"}"#),
    ] {
        let status = app.receive(&odd(name, value)).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{name}: {value}");
        assert_eq!(app.rows().await, "org_1 Analysts one", "{name}: {value}");
    }
    // An unreadable part that feeds no claim has no effect.
    let other = odd("private_metadata", r#""\ud800""#);
    assert_eq!(app.receive(&other).await, StatusCode::NO_CONTENT);
    assert_eq!(app.rows().await, "org_1 Renamed 1");
}

async fn deletion_while_members_arrive_leaves_no_live_row(database: TestDatabase) {
    let app = App::start(&database, "").await;
    // A mark needs a row.
    app.get("/required", Some(member("user_ada", "org_1", "Old name", "one")))
        .await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..12 {
        let user_id = format!("user_{number}");
        let session = app.session(member(&user_id, "org_1", "Analysts", "one")).await;
        let organizations = app.state.organizations.clone();
        running.spawn(async move { organizations.sync(&session).await });
    }
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    let deleted = event("organization.deleted", deleted, app.clock.now()).to_string();
    assert_eq!(app.receive(&deleted).await, StatusCode::NO_CONTENT);
    for synced in running.join_all().await {
        assert!(
            matches!(
                synced,
                Ok(Some(_) | None) | Err(SyncError::OrganizationDeleted | SyncError::MembershipEnded)
            ),
            "{synced:?}"
        );
    }
    let live = "SELECT count(*) FROM organizations WHERE clerk_deleted_at IS NULL";
    assert_eq!(app.pool.number(live).await, 0);
}

async fn hook_of_a_deletion_runs_once_with_the_row_removed(database: TestDatabase) {
    let app = App::start(&database, "").await;
    let sql = match &app.pool {
        Pool::Postgres(_) => Team::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => Team::migration_sql::<sqlx::Sqlite>(),
    };
    app.pool.execute(&sql).await;
    app.pool
        .execute("CREATE TABLE farewells (name TEXT NOT NULL)")
        .await;
    macro_rules! start {
        ($pool:expr) => {
            OrganizationSync::<Team>::builder(&app.state.users, $pool.clone())
                .on_delete(|connection, team| {
                    Box::pin(async move {
                        sqlx::query("INSERT INTO farewells (name) VALUES ($1)")
                            .bind(&team.name)
                            .execute(connection)
                            .await?;
                        Ok(())
                    })
                })
                .build()
                .await
        };
    }
    let teams = match &app.pool {
        Pool::Postgres(pool) => start!(pool),
        Pool::Sqlite(pool) => start!(pool),
    }
    .expect("the table fits");
    let session = app.session(member("user_ada", "org_1", "Analysts", "one")).await;
    teams.sync(&session).await.expect("it syncs").expect("active");
    for seconds in [0, 1] {
        let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true, "padding": seconds });
        let deleted = event("organization.deleted", deleted, app.clock.now()).to_string();
        assert_eq!(app.receive(&deleted).await, StatusCode::NO_CONTENT);
    }
    assert!(matches!(
        teams.sync(&session).await,
        Err(SyncError::MembershipEnded)
    ));
    assert_eq!(app.pool.number("SELECT count(*) FROM teams").await, 0);
    assert_eq!(
        app.pool.text("SELECT max(name) FROM farewells").await.as_deref(),
        Some("Analysts")
    );
    assert_eq!(app.pool.number("SELECT count(*) FROM farewells").await, 1);
    assert_eq!(app.pool.number("SELECT count(*) FROM former_teams").await, 1);
}

async fn agent_is_admitted_where_the_policy_admits_one(database: TestDatabase) {
    let app = App::start_on(&database, "", true).await;
    let agent = || Some(member("user_ada", "org_1", "Analysts", "one").agent("agent_1"));
    assert_eq!(app.get("/agents", agent()).await, answer(200, "Analysts"));
    for path in ["/required", "/unguarded"] {
        assert_eq!(app.get(path, agent()).await.0, 403, "{path}");
    }
}

async fn visitor_is_refused_without_a_guard(database: TestDatabase) {
    let app = App::start(&database, "").await;
    assert_eq!(app.get("/unguarded", None).await, answer(401, "signed_out"));
    let token = member("user_ada", "org_1", "Analysts", "one");
    assert_eq!(app.get("/unguarded", Some(token)).await, answer(200, "Analysts"));
    let alone = without_an_organization();
    assert_eq!(
        app.get("/unguarded", Some(alone)).await,
        answer(403, "organization_required")
    );
}

/// Creates a token without an organization.
fn without_an_organization() -> SessionToken<'static> {
    token("user_ada", "Ada", 1)
}

async fn session_of_another_instance_reaches_no_row(database: TestDatabase) {
    let app = App::start(&database, "").await;
    let other = Issuer::new("https://other.example.com");
    let clerk = Clerk::builder()
        .issuer(other.url())
        .jwt_key(other.public_key_pem())
        .build()
        .expect("the configuration is right");
    let organization = organization_object("org_1", Timestamp::from_secs(0));
    let token = other
        .token("user_ada")
        .organization("org_1", "org:member")
        .organization_template(Organization::TEMPLATE, &organization)
        .sign();
    let headers = [(
        AUTHORIZATION,
        format!("Bearer {token}").parse().expect("a header's value"),
    )];
    let session = clerk.authenticate(&headers.into_iter().collect()).await;
    let session = session.expect("the token is valid there");
    assert!(matches!(
        app.state.organizations.sync(&session).await,
        Err(SyncError::OtherInstance { .. })
    ));
    assert_eq!(app.rows().await, "");
}

async fn log_names_the_organization(database: TestDatabase) {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let app = App::start(&database, "CHECK (length(name) < 10)").await;
    let ask = async |name: &str| {
        app.get("/required", Some(member("user_ada", "org_1", name, "one")))
            .await
    };
    ask("Analysts").await;
    ask("A name too long").await;
    let now = Timestamp::from_millis(app.clock.now().as_millis() + 1_000);
    let mut joined = membership_object("user_ada", "org_1", "org:admin", now);
    joined["organization"]["name"] = "Engineers".into();
    joined["organization"]["updated_at"] = now.as_millis().into();
    let joined = event("organizationMembership.created", joined, now).to_string();
    app.receive(&joined).await;
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    app.receive(&event("organization.deleted", deleted, now).to_string())
        .await;

    let lines: Vec<String> = log
        .lines()
        .into_iter()
        .filter(|line| line.contains("organization"))
        .collect();
    for expected in [
        "inserted an organization's row",
        "refuses the organization's data",
        "updated an",
        "deleted an",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(expected)),
            "{expected}: {lines:#?}"
        );
    }
    for line in log.lines() {
        assert!(!line.contains(r#"user_id="org_"#), "{line}");
        assert!(!line.contains(r#"organization_id="user_"#), "{line}");
        if line.contains("organization's") {
            assert!(line.contains(r#"organization_id="org_1""#), "{line}");
        }
    }
}
