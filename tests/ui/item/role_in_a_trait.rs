use clerk_auth::{Session, authenticated};

trait Handlers {
    #[authenticated(role = "org:admin")]
    async fn remove(_session: Session) {}
}

fn main() {}
