use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _page: Option<u32>) {}

fn main() {}
