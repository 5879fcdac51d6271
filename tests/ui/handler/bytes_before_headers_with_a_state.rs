use axum::body::Bytes;
use axum::http::HeaderMap;
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _body: Bytes, _headers: HeaderMap) {}

fn main() {}
