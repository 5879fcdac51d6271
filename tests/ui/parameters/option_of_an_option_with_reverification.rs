use clerk_auth::{Session, authenticated};

#[authenticated(reverification = "strict")]
async fn handler(_who: Option<Option<Session>>) {}

fn main() {}
