use axum::Json;
use axum::extract::RawQuery;
use clerk_auth::authenticated;

#[authenticated]
async fn handler(Json(_id): Json<u64>, _query: RawQuery) {}

fn main() {}
