use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(session: Session) -> Session {
    session
}

fn main() {}
