use clerk_auth::{Session, authenticated};

struct Handlers;

impl Handlers {
    #[authenticated]
    async fn handler(_session: Session) -> bool {
        true
    }
}

fn main() {}
