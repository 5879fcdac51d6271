use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _id: axum::extract::Path<u64>) {}

fn main() {}
