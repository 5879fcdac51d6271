use std::cell::RefCell;

use clerk_auth::{Session, authenticated};

#[authenticated]
async fn session(session: Session) -> String {
    let visits = RefCell::new(0);
    let visits = &visits;
    std::future::ready(()).await;
    format!("{visits:?} {session:?}")
}

fn main() {}
