use clerk_auth::{Session, authenticated};

struct Handlers;

impl Handlers {
    #[authenticated(role = "org:admin")]
    async fn remove(_session: Session) {}
}

fn main() {}
