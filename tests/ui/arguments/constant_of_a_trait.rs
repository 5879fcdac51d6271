use clerk_auth::{Session, authenticated};

pub trait Handlers {
    const ADMIN: &'static str;

    #[authenticated(role = Self::ADMIN)]
    async fn handler(_session: Session) {}
}

fn main() {}
