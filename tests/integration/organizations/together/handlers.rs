//! Tests of handlers that take a member's rows: round trips, answers, and policies over rows.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use clerk_auth::policy::{Denied, RowPolicy};
use clerk_auth::testing::SessionToken;
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::{Clerk, Member, MembershipSync, OrganizationSync, Session, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::{Pool, issuer};
use clerk_auth_tests::proxy::Proxy;
use serde_json::Value;

use super::{Person, Process, Team, TeamMember, create_tables, member};
use crate::organizations::answer::answer_of;

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<Person>,
    organizations: OrganizationSync<Team>,
    memberships: MembershipSync<TeamMember>,
}

#[authenticated(state = AppState)]
async fn alone(user: Person) -> String {
    user.clerk_id
}

#[authenticated(state = AppState)]
async fn joined(member: Member<TeamMember>) -> String {
    member.membership.role.clone()
}

#[authenticated(state = AppState)]
async fn optional(member: Option<Member<TeamMember>>) -> String {
    member.map_or_else(String::new, |member| member.membership.role.clone())
}

#[authenticated(state = AppState)]
async fn parameters(user: Person, organization: Team, membership: TeamMember) -> String {
    assert_eq!(
        (user.id, organization.id),
        (membership.person, membership.team_id)
    );
    membership.role
}

/// Admits members who have a desk.
struct Seated;

impl RowPolicy<Member<TeamMember>> for Seated {
    fn evaluate(member: &Member<TeamMember>, session: &Session) -> Result<(), Denied> {
        assert_eq!(&*member.user.clerk_id, session.user_id().as_str());
        match member.membership.desk.as_deref() {
            Some("the desk that panics") => panic!("a rule of the application panics"),
            Some(_) => Ok(()),
            None => Err(Denied::Requirements),
        }
    }
}

/// Admits only users with credits and without an organization.
struct Rich;

impl RowPolicy<Person> for Rich {
    fn evaluate(person: &Person, session: &Session) -> Result<(), Denied> {
        if person.credits == 0 {
            return Err(Denied::Requirements);
        }
        match session.organization() {
            Some(_) => Err(Denied::Feature("own")),
            None => Ok(()),
        }
    }
}

#[authenticated(state = AppState, role = "org:admin", row_policy = Seated)]
async fn seated(member: Member<TeamMember>) -> String {
    member.membership.desk.clone().unwrap_or_default()
}

#[authenticated(state = AppState, row_policy = Rich)]
async fn rich(person: Arc<Person>) -> String {
    person.credits.to_string()
}

fn app(process: &Process) -> Router {
    let state = AppState {
        clerk: process.people.clerk().clone(),
        users: process.people.users.clone(),
        organizations: process.teams.clone(),
        memberships: process.members.clone(),
    };
    Router::new()
        .route("/alone", get(alone))
        .route("/joined", get(joined))
        .route("/optional", get(optional))
        .route("/parameters", get(parameters))
        .route("/seated", get(seated))
        .route("/rich", get(rich))
        .with_state(state)
}

#[tokio::test]
async fn member_takes_the_round_trips_of_a_user() {
    let database = TestDatabase::postgres().await;
    let direct = Pool::open(database.url(), 1).await;
    create_tables(&direct).await;
    let proxy = Proxy::to(database.server_address());
    let pool = Pool::open(&database.url_through(proxy.address()), 1).await;
    let connections = pool.postgres();
    let process = Process::of_pools(pool.clone(), pool.clone()).await;
    let app = app(&process);
    let now = process.people.clock.now();
    let token =
        |user: &str, organization: &str| member(user, organization, "org:admin").issued_at(now).sign();
    let ada = token("user_ada", "org_1");
    let asked = async |path: &str, token: &str| {
        let held = connections.acquire().await.expect("it is free");
        let before = proxy.sent();
        drop(held);
        assert_eq!(answer_of(&app, path, token).await.0, 200);
        let held = connections.acquire().await.expect("it is free");
        let asked = proxy.sent() - before;
        drop(held);
        asked
    };
    // Each statement is prepared once. After an insertion, sync predicts another one for the next request.
    for path in ["/joined", "/alone", "/alone", "/parameters", "/optional"] {
        asked(path, &ada).await;
    }
    let user_alone = asked("/alone", &ada).await;
    assert_eq!(asked("/joined", &ada).await, user_alone, "as one parameter");
    assert_eq!(
        asked("/optional", &ada).await,
        user_alone,
        "as an optional parameter"
    );
    assert_eq!(
        asked("/parameters", &ada).await,
        user_alone,
        "as three parameters"
    );
}

async fn code(app: &Router, path: &str, token: SessionToken<'_>, now: Timestamp) -> (u16, String) {
    answer_of(app, path, &token.issued_at(now).sign()).await
}

#[tokio::test]
async fn handler_of_a_member_answers_with_the_code_of_the_row() {
    let database = TestDatabase::sqlite();
    let process = Process::first(&database).await;
    let app = app(&process);
    let now = process.people.clock.now();
    let alone = || {
        issuer()
            .token("user_ada")
            .claim("email", Value::Null)
            .claim("name", "Ada")
            .claim("updatedAt", 1)
    };
    let answer = |status: u16, text: &str| (status, text.to_owned());
    assert_eq!(
        code(&app, "/joined", alone(), now).await,
        answer(403, "organization_required")
    );
    assert_eq!(code(&app, "/optional", alone(), now).await, answer(200, ""));
    let refused = member("user_ada", "org_1", "org:refused");
    assert_eq!(
        code(&app, "/joined", refused, now).await,
        answer(503, "organization_setup_failed")
    );
    let active = member("user_ada", "org_1", "org:admin");
    assert_eq!(code(&app, "/joined", active, now).await, answer(200, "org:admin"));
    let taken = member("user_eve", "org_2", "org:admin").claim("name", "user_ada");
    assert_eq!(
        code(&app, "/joined", taken, now).await,
        answer(409, "user_conflict")
    );
}

#[tokio::test]
async fn policy_over_rows_decides_after_the_session() {
    let database = TestDatabase::sqlite();
    let process = Process::first(&database).await;
    let app = app(&process);
    let now = process.people.clock.now();
    let answer = |status: u16, text: &str| (status, text.to_owned());
    let admin = || member("user_ada", "org_1", "org:admin");
    assert_eq!(
        code(&app, "/seated", member("user_ada", "org_1", "org:guest"), now).await,
        answer(403, "role_required")
    );
    assert_eq!(
        process.numbers().await,
        [0, 0, 0],
        "nothing is read for whom the session does not admit"
    );
    for (desk, expected) in [
        ("NULL", answer(403, "requirements_not_met")),
        ("'7b'", answer(200, "7b")),
        ("'the desk that panics'", answer(500, "service_failed")),
    ] {
        let sql = format!("UPDATE team_members SET desk = {desk}");
        process.people.pool.execute(&sql).await;
        assert_eq!(code(&app, "/seated", admin(), now).await, expected, "{desk}");
    }
    let alone = || {
        issuer()
            .token("user_ada")
            .claim("email", Value::Null)
            .claim("name", "user_ada")
            .claim("updatedAt", 1)
    };
    assert_eq!(
        code(&app, "/rich", alone(), now).await,
        answer(403, "requirements_not_met")
    );
    process.people.pool.execute("UPDATE people SET credits = 8").await;
    assert_eq!(code(&app, "/rich", alone(), now).await, answer(200, "8"));
    assert_eq!(
        code(&app, "/rich", admin(), now).await,
        answer(403, "feature_required")
    );
}
