use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _name: &str) {}

fn main() {}
