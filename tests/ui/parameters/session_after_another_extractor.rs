use clerk_auth::{Session, authenticated};
use axum::http::HeaderMap;

#[authenticated]
async fn handler(_headers: HeaderMap, session: Session) {
    drop(session);
}

fn main() {}
