use clerk_auth::{Session, authenticated};

type Visitor = Option<Session>;

#[authenticated]
async fn handler(_who: Visitor) {}

fn main() {}
