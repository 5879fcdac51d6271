//! The page of an organization: its row, its members and their roles, and its notes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clerk_auth::{SyncedMembership, SyncedOrganization, authenticated};

use crate::database::Database;
use crate::notes::NewNote;
use crate::problem::Problem;
use crate::user::User;

/// A row of `organizations`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template = "clerk/session-token.json",
    database(postgres, sqlite)
)]
pub struct Organization {
    /// The id that the application's own tables reference.
    #[column(generated)]
    pub id: i64,
    /// Clerk's id.
    pub clerk_id: String,
    /// As an administrator has named it.
    pub name: String,
    /// Null if slugs are switched off at Clerk.
    pub slug: Option<String>,
}

/// A row of `memberships`: a user's role in an organization.
#[derive(Clone, Debug, PartialEq, serde::Serialize, SyncedMembership)]
#[synced_membership(
    table = "memberships",
    user = User,
    organization = Organization,
    template = "clerk/session-token.json",
    database(postgres, sqlite)
)]
pub struct Membership {
    /// References `users`.
    pub user_id: i64,
    /// References `organizations`.
    pub organization_id: i64,
    /// `org:admin`, `org:member`, or a role of the team's own.
    pub role: String,
}

/// A member, as other members see them.
#[derive(Debug, serde::Serialize, sqlx::FromRow)]
pub struct Member {
    clerk_id: String,
    first_name: Option<String>,
    role: String,
}

/// A row of `organization_notes`.
#[derive(Debug, serde::Serialize, sqlx::FromRow)]
pub struct OrganizationNote {
    id: i64,
    organization_id: i64,
    /// The user who wrote it, a member or a former one.
    user_id: i64,
    body: String,
}

/// The page for members.
#[derive(Debug, serde::Serialize)]
pub struct OrganizationPage {
    organization: Organization,
    membership: Membership,
    members: Vec<Member>,
    notes: Vec<OrganizationNote>,
}

/// Returns the page of the active organization to a member. Others get 403.
#[authenticated]
pub async fn show(
    _user: User,
    organization: Organization,
    membership: Membership,
    State(database): State<Database>,
) -> Result<Json<OrganizationPage>, Problem> {
    let members = database.members_of(organization.id).await?;
    let notes = database.notes_of_organization(organization.id).await?;
    Ok(Json(OrganizationPage {
        organization,
        membership,
        members,
        notes,
    }))
}

/// Writes a note of the active organization. The guard checks the token's role, or a newer one from a webhook.
#[authenticated(role = "org:admin")]
pub async fn create_note(
    user: User,
    organization: Organization,
    State(database): State<Database>,
    Json(note): Json<NewNote>,
) -> Result<(StatusCode, Json<OrganizationNote>), Problem> {
    // The id comes from the row of the session's organization, and never from the request.
    let note = database.write_organization_note(organization.id, user.id, note.body);
    Ok((StatusCode::CREATED, Json(note.await?)))
}
