use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler<'a>(_session: Session) {}

fn main() {}
