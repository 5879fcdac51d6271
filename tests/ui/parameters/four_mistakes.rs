// mistakes: 4
use axum::extract::State;
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(rol = "org:admin", plan = "")]
fn handler(State(_clerk): State<Clerk>, _session: Session) {}

fn main() {}
