//! The application's user: a row of `users`, checked against `clerk/session-token.json`.

use clerk_auth::SyncedUser;

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, sqlx::FromRow, SyncedUser)]
#[synced_user(
    table = "users",
    template = "clerk/session-token.json",
    database(postgres, sqlite)
)]
pub struct User {
    /// The id that the application's own tables reference.
    #[column(generated)]
    pub id: i64,
    /// Clerk's id: the `sub` claim.
    pub clerk_id: String,
    /// Null for a person who signs in by phone or passkey.
    pub email: Option<String>,
    /// As the person gave it to Clerk.
    pub first_name: Option<String>,
    /// As the person gave it to Clerk.
    pub last_name: Option<String>,
    /// Clerk serves a default picture for those who uploaded none.
    pub image_url: String,
    /// The application's own column: sync never writes it.
    #[column(app)]
    pub credits: i64,
}
