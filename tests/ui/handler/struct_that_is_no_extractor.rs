use axum::extract::RawQuery;
use clerk_auth::{Clerk, Session, authenticated};

#[derive(serde::Deserialize)]
struct Note {
    _text: String,
}

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _note: Note, _query: RawQuery) {}

fn main() {}
