#![deny(warnings)]

use axum::http::StatusCode;
use clerk_auth::{Clerk, Session, authenticated};

struct Problem;

impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}

fn parse(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem)
}

/// Traced around the extractors' work.
#[tracing::instrument(skip_all)]
#[authenticated]
async fn traced_outside(session: Session) -> Result<String, Problem> {
    let number = parse(session.id().as_str())?;
    Ok(number.to_string())
}

/// Has a tracing span inside the guard.
#[authenticated]
#[tracing::instrument(skip_all, fields(user = %session.user_id()))]
async fn traced_inside(session: Session) -> Result<String, Problem> {
    let number = parse(session.id().as_str())?;
    Ok(number.to_string())
}

#[axum::debug_handler(state = Clerk)]
#[authenticated]
async fn debugged_outside(session: Session) -> String {
    session.user_id().to_string()
}

#[authenticated]
#[axum::debug_handler(state = Clerk)]
async fn debugged_inside(session: Session) -> String {
    session.user_id().to_string()
}

#[authenticated]
#[cfg(not(any()))]
#[cfg_attr(all(), doc = "Conditional.")]
#[deprecated = "call `traced_inside`"]
pub(crate) async fn conditional(_: Session, #[cfg(any())] _never: NoSuchType) {}

#[cfg(any())]
#[authenticated]
async fn never(session: NoSuchType) {}

#[authenticated]
#[allow(clippy::unused_async, reason = "a handler")]
#[must_use]
async fn public_name(_session: Session, mut body: String) -> String {
    body.push('!');
    body
}

fn router() -> clerk_auth::routing::Router<Clerk> {
    use clerk_auth::routing::{Router, get};
    Router::new()
        .route("/outside", get(traced_outside))
        .route("/inside", get(traced_inside))
        .route("/debugged", get(debugged_outside).put(debugged_inside))
        .public("/body", axum::routing::post(public_name))
}

/// A handler is called in a test with the session itself.
async fn called_directly(session: Session) -> String {
    public_name(session.into(), "hello".to_owned()).await
}

pub(crate) fn main() {
    drop(router());
    let _ = called_directly;
    #[expect(deprecated)]
    let _ = conditional;
}
