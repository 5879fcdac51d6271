use axum_0_7::Json;
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(state = Clerk)]
async fn handler(_session: Session, Json(_note): Json<String>) {}

fn main() {}
