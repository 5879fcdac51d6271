use clerk_auth::{Session, authenticated};

struct Handlers;

impl Handlers {
    #[authenticated]
    async fn handler(&self, _session: Session) {}
}

fn main() {}
