use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) -> u64 {
    7
}

fn main() {}
