//! Organizations as parameters: required or not, after each form of the user, and by two structs at once.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::routing::get;
use clerk_auth::extract::MaybeSynced;
use clerk_auth::id::OrganizationId;
use clerk_auth::{
    Clerk, OrganizationSync, Session, Synced, SyncedOrganization, SyncedRow, SyncedUser, UserSync, authenticated,
};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: Option<String>,
    #[claim(unique = "refuse")]
    slug: Option<String>,
}

/// Without `Clone`, with every other argument.
#[derive(SyncedOrganization)]
#[synced_organization(
    table = "accounts.teams",
    template_json = r#"{
        "orgName": "{{org.name}}",
        "picture": "{{org.image_url}}",
        "orgHasImage": "{{org.has_image}}",
        "plan": "{{org.public_metadata.plan || 'free'}}",
        "email": "{{user.primary_email_address}}"
    }"#,
    database(postgres),
    tombstones = "accounts.deleted_teams",
    fresh_for = "0s",
    version_column = "team_version",
    allow(unused_claims)
)]
struct Team {
    #[claim("o.id")]
    organization: OrganizationId,
    name: String,
    #[claim("picture")]
    picture: Option<String>,
    has_image: bool,
    #[claim("plan")]
    plan: serde_json::Value,
    #[column(app)]
    seats: Option<i32>,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
    organizations: OrganizationSync<Organization>,
    teams: OrganizationSync<Team>,
}

#[authenticated(state = AppState, role = "org:admin")]
async fn with_a_role(_: User, organization: Organization) -> String {
    organization.name.unwrap_or_default()
}

#[authenticated(state = AppState)]
async fn optional(_: Option<User>, organization: Option<Organization>) -> String {
    organization.map(|organization| organization.clerk_id).unwrap_or_default()
}

#[authenticated]
async fn after_a_session(_: Session, _: Path<String>, organization: Organization) -> String {
    organization.id.to_string()
}

#[authenticated]
async fn after_an_extractor(State(_): State<AppState>, organization: Organization) -> String {
    organization.slug.unwrap_or_default()
}

#[authenticated(state = AppState)]
async fn shared(_: Arc<User>, _: Team) {}

#[authenticated(state = AppState)]
async fn with_an_outcome(_: Synced<User>, _: Organization) {}

#[authenticated(state = AppState)]
async fn while_the_database_is_down(_: MaybeSynced<User>, _: Option<Organization>) {}

#[authenticated(state = AppState)]
async fn by_two_structs(_: User, _: Organization, team: Team) -> String {
    team.name
}

/// The organization's own guard requires a session.
async fn without_a_guard(organization: Organization) -> String {
    organization.clerk_id
}

pub fn main() {
    let _: Router<AppState> = Router::new()
        .route("/role", get(with_a_role))
        .route("/optional", get(optional))
        .route("/session/{id}", get(after_a_session))
        .route("/extractor", get(after_an_extractor))
        .route("/shared", get(shared))
        .route("/outcome", get(with_an_outcome))
        .route("/down", get(while_the_database_is_down))
        .route("/two", get(by_two_structs))
        .route("/unguarded", get(without_a_guard));
    let _: Router<Arc<AppState>> = Router::new().route("/role", get(with_a_role));
    assert_eq!(Team::TABLE, "accounts.teams");
}
