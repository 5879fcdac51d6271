use axum::extract::Path;
use clerk_auth::{Session, authenticated};

struct NoteId(u64);

#[authenticated]
async fn handler(_session: Session, Path(_id): Path<NoteId>) {}

fn main() {}
