use axum::Json;
use clerk_auth::{Session, authenticated};

struct Note {
    _text: String,
}

#[authenticated]
async fn handler(_session: Session, Json(_note): Json<Note>) {}

fn main() {}
