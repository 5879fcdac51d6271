use axum::extract::Path;
use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session, _body: String, Path(_id): Path<u64>) {}

fn main() {}
