use axum::Json;
use axum::extract::RawQuery;
use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session, Json(_id): Json<u64>, _query: RawQuery) {}

fn main() {}
