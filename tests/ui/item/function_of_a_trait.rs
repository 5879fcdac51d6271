use clerk_auth::{Session, authenticated};

trait Handlers {
    #[authenticated]
    async fn handler(session: Session);
}

fn main() {}
