use axum::Json;
use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session, _first: Json<u64>, _second: Json<u64>) {}

fn main() {}
