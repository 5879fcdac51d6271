//! A complete application: sign-in by Clerk, users in the application's own database.
//!
//! [`app`] builds the whole application; `main` reads the environment and serves it, or imports.

pub mod config;
pub mod database;
pub mod notes;
pub mod observability;
pub mod organization;
pub mod page;
pub mod problem;
pub mod repository;
pub mod trials;
pub mod user;

use axum::extract::FromRef;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Json, routing};
use clerk_auth::routing::{Router, get, post};
use clerk_auth::schema::SchemaError;
use clerk_auth::template::ExpectedTemplate;
use clerk_auth::{Clerk, MembershipSync, OrganizationSync, Session, Synced, UserSync, authenticated};

use crate::database::Database;
use crate::organization::{Membership, Organization};
use crate::problem::Problem;
use crate::user::User;

/// The state that handlers share.
#[derive(Clone, Debug, FromRef)]
pub struct AppState {
    /// Verifies session tokens.
    pub clerk: Clerk,
    /// Keeps `users` equal to Clerk's.
    pub users: UserSync<User>,
    /// Keeps `organizations` equal to Clerk's.
    pub organizations: OrganizationSync<Organization>,
    /// Keeps `memberships` equal to Clerk's.
    pub memberships: MembershipSync<Membership>,
    /// For the application's own tables.
    pub database: Database,
}

impl AppState {
    /// Starts sync of users, organizations and memberships in a database.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if a table does not fit.
    pub async fn new(clerk: Clerk, database: Database) -> Result<Self, SchemaError> {
        let users = database.users(clerk.clone()).await?;
        let organizations = database.organizations(&users).await?;
        let memberships = database.memberships(&users, &organizations).await?;
        Ok(Self {
            clerk,
            users,
            organizations,
            memberships,
            database,
        })
    }
}

/// Returns the templates that the session-token template at Clerk must contain.
pub fn templates() -> [ExpectedTemplate; 3] {
    [
        ExpectedTemplate::new::<User>(),
        ExpectedTemplate::new::<Organization>(),
        ExpectedTemplate::new::<Membership>(),
    ]
}

/// Returns the application's routes.
pub fn app(state: AppState) -> Router {
    Router::new()
        .merge(page::routes())
        .public("/healthz", routing::get(async || "ok"))
        .public("/api/greeting", routing::get(greeting))
        .route("/api/me", get(me))
        .route("/api/session", get(session))
        .route("/api/admin/users", get(all_users))
        .route("/api/notes", get(notes::list).post(notes::create))
        .route("/api/organization", get(organization::show))
        .route("/api/organization/notes", post(organization::create_note))
        .with_state(state)
}

/// Returns the signed-in user's row, and the outcome of sync in a header.
#[authenticated]
async fn me(synced: Synced<User>) -> impl IntoResponse {
    ([("x-user-sync", synced.outcome.as_str())], Json(synced.user))
}

/// Returns the claims of the token, without a query.
#[authenticated]
async fn session(session: Session) -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "user_id": session.user_id(),
        "session_id": session.id(),
        "issued_at": session.issued_at().as_secs(),
        "expires_at": session.expires_at().as_secs(),
        "impersonator": session.impersonator(),
        "organization": session.organization().map(|organization| serde_json::json!({
            "id": organization.id(),
            "slug": organization.slug(),
            "role": organization.role(),
        })),
    }))
}

/// Greets signed-in users by name, and visitors without. An invalid token is still refused.
#[authenticated]
async fn greeting(user: Option<User>) -> String {
    match user {
        None => "Hello! You are not signed in.".to_owned(),
        Some(user) => format!("Hello, {}!", user.first_name.as_deref().unwrap_or("friend")),
    }
}

/// Lists all users, for administrators of the active organization.
#[authenticated(role = "org:admin")]
async fn all_users(State(database): State<Database>) -> Result<Json<Vec<User>>, Problem> {
    Ok(Json(database.all_users().await?))
}
