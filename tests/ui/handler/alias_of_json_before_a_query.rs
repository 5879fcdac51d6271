use axum::Json;
use axum::extract::RawQuery;
use clerk_auth::{Session, authenticated};

type Body = Json<String>;

#[authenticated]
async fn handler(_session: Session, _note: Body, _query: RawQuery) {}

fn main() {}
