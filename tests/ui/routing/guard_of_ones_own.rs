use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use clerk_auth::extract::{Guard, Rejection};

struct Anybody;

impl<S: Sync> FromRequestParts<S> for Anybody {
    type Rejection = Rejection;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(Self)
    }
}

impl Guard for Anybody {
    type Subject = ();

    async fn admit<S: Sync>(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        Self::from_request_parts(parts, state).await
    }
}

fn main() {}
