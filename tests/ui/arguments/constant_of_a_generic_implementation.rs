use std::marker::PhantomData;

use clerk_auth::{Session, authenticated};

struct Handlers<T>(PhantomData<T>);

impl<T> Handlers<T> {
    const ADMIN: &'static str = "org:admin";

    #[authenticated(role = Self::ADMIN)]
    pub async fn handler(_session: Session) {}
}

fn main() {}
