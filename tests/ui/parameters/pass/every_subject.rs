use std::sync::Arc;

use axum::extract::{FromRef, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::Json;
use clerk_auth::extract::MaybeSynced;
use clerk_auth::routing::{Router, get, post};
use clerk_auth::{Clerk, Session, Synced, SyncedUser, UserSync, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated]
async fn user(mut user: User) -> String {
    user.clerk_id.push('!');
    user.clerk_id
}

#[authenticated]
async fn destructured(User { clerk_id }: User) -> String {
    clerk_id
}

#[authenticated]
async fn shared(user: Arc<User>, session: Session) -> String {
    format!("{} {}", user.clerk_id, session.id())
}

#[authenticated]
async fn optional(user: Option<User>) -> StatusCode {
    if user.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT }
}

#[authenticated]
async fn synced(synced: Synced<User>, State(_state): State<AppState>) -> &'static str {
    synced.outcome.as_str()
}

#[derive(Clone)]
struct PartOfTheState;

impl FromRef<AppState> for PartOfTheState {
    fn from_ref(_: &AppState) -> Self {
        Self
    }
}

#[authenticated]
async fn part(user: User, State(_part): State<PartOfTheState>) -> String {
    user.clerk_id
}

#[authenticated(state = AppState)]
async fn degraded(user: MaybeSynced<User>) -> impl IntoResponse {
    matches!(user, MaybeSynced::Synced(_)).to_string()
}

#[authenticated]
async fn nobody(Path(id): Path<u64>, Json(body): Json<u64>) -> Result<String, StatusCode> {
    let sum = id.checked_add(body).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(sum.to_string())
}

/// Has documentation, a tracing span, and the check of axum's own macro.
#[axum::debug_handler(state = AppState)]
#[authenticated(role = "org:admin")]
async fn debugged(user: User) -> String {
    user.clerk_id
}

#[authenticated]
#[axum::debug_handler(state = AppState)]
async fn debugged_inside(user: User) -> String {
    user.clerk_id
}

fn router() -> Router<AppState> {
    Router::new()
        .route("/user", get(user).post(destructured))
        .route("/shared", get(shared))
        .public("/optional", axum::routing::get(optional))
        .route("/synced", get(synced))
        .route("/part", get(part))
        .route("/degraded", get(degraded))
        .route("/nobody/{id}", post(nobody))
        .route("/debugged", get(debugged))
        .route("/debugged-inside", get(debugged_inside))
}

async fn called_directly() -> String {
    let ada = User { clerk_id: "user_ada".to_owned() };
    user(ada.into()).await
}

pub(crate) fn main() {
    drop(router());
    drop(called_directly());
}
