use clerk_auth::{Session, authenticated};

type Visitor = Option<Session>;

#[authenticated(role = "org:admin")]
async fn handler(_who: Visitor) {}

fn main() {}
