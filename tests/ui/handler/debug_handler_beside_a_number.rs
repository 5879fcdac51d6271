use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
#[axum::debug_handler(state = Clerk)]
async fn handler(_session: Session, _id: u64) {}

fn main() {}
