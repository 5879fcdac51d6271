use clerk_auth::{Session, authenticated};
use axum::http::HeaderMap;

#[authenticated]
async fn handler(session: Session, _headers: HeaderMap) {
    drop(session);
}

fn main() {}
