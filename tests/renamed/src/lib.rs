//! Uses the macros in a crate that has clerk-auth under another name, and no prelude.
#![no_implicit_prelude]
#![expect(
    missing_docs,
    missing_debug_implementations,
    reason = "it is compiled, and nothing more"
)]

use ::clerk::{Clerk, Session, SyncedUser, UserSync, authenticated};
use ::std::clone::Clone;
use ::std::option::Option;
use ::std::string::String;

/// The crate under a module of the application.
pub mod vendor {
    pub use ::clerk as auth;
}

/// A row with a column of each role.
#[derive(Clone, SyncedUser)]
#[synced_user(
    crate = "::clerk",
    table = "users",
    database(postgres, sqlite),
    template_json = r#"{
        "email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "level": 3,
        "letters": "{{user.username}}", "updatedAt": "{{user.updated_at}}"
    }"#
)]
pub struct User {
    #[column(generated)]
    pub id: i64,
    pub clerk_id: String,
    pub email: Option<String>,
    #[claim(default)]
    pub name: String,
    #[claim(insert_only)]
    pub level: i16,
    #[claim(with = length)]
    pub letters: i64,
    #[column(app)]
    pub credits: i64,
}

fn length(name: Option<&str>) -> ::std::result::Result<i64, ::clerk::claim::InvalidClaim> {
    ::std::result::Result::Ok(if Option::is_some(&name) { 1 } else { 0 })
}

/// A row that is removed when its user is deleted.
#[derive(Clone, SyncedUser)]
#[synced_user(crate = crate::vendor::auth, table = "members", tombstones = "former", database(sqlite), template_json = r#"{
    "username": "{{user.id}}", "updatedAt": "{{user.updated_at}}"
}"#)]
pub struct Member {
    pub clerk_id: String,
    // For a type outside of the prelude, the derive's own messages report a missing trait.
    pub username: ::std::sync::Arc<str>,
    #[column(app)]
    pub note: Option<::std::boxed::Box<str>>,
}

/// The state that the handlers need.
#[derive(Clone)]
pub struct AppState {
    pub clerk: Clerk,
    pub users: UserSync<User>,
}

impl ::axum::extract::FromRef<AppState> for Clerk {
    fn from_ref(state: &AppState) -> Self {
        Clone::clone(&state.clerk)
    }
}

impl ::axum::extract::FromRef<AppState> for UserSync<User> {
    fn from_ref(state: &AppState) -> Self {
        Clone::clone(&state.users)
    }
}

#[authenticated(crate = "::clerk")]
pub async fn whoever(_: Session) -> &'static str {
    "somebody"
}

#[authenticated(crate = ::clerk, state = AppState)]
pub async fn me(user: User, _: ::axum::http::Method) -> String {
    user.clerk_id
}

#[authenticated(crate = crate::vendor::auth, role = "org:admin")]
pub async fn admins(user: User) -> ::axum::Json<i64> {
    ::axum::Json(user.id)
}

#[authenticated(
    crate = "::clerk",
    any(role = "org:admin", permission = "org:posts:read"),
    impersonation = "deny"
)]
pub async fn nobody_asked_for() -> ::axum::http::StatusCode {
    ::axum::http::StatusCode::OK
}

/// Mounts every handler.
pub fn router() -> ::clerk::routing::Router<AppState> {
    ::clerk::routing::Router::new()
        .route("/", ::clerk::routing::get(whoever))
        .route("/me", ::clerk::routing::get(me))
        .route("/admins", ::clerk::routing::get(admins))
        .route("/empty", ::clerk::routing::get(nobody_asked_for))
}
