use clerk_auth::{Session, authenticated};

#[authenticated(state = ())]
async fn handler(_session: Session) {}

fn main() {}
