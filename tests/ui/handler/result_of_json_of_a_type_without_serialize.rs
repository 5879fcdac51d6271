use axum::Json;
use axum::http::StatusCode;
use clerk_auth::{Session, authenticated};

struct Note;

#[authenticated]
async fn handler(_session: Session) -> Result<Json<Note>, StatusCode> {
    Err(StatusCode::NOT_FOUND)
}

fn main() {}
