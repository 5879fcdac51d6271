//! Tests of handlers that take the membership beside the user and the organization.

use axum::Router;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use clerk_auth::id::{OrganizationId, UserId};
use clerk_auth::{Clerk, MembershipSync, OrganizationSync, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::issuer;

use super::{Person, Process, Team, TeamMember, member};
use crate::organizations::answer::answer_of;

on_both_databases!(handler_takes_user_organization_and_membership,);

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
    let ask = async |path: &str, token: &str| answer_of(&app, path, token).await;
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
