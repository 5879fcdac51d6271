use std::cell::RefCell;

use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn session(session: Session) -> String {
    let visits = RefCell::new(0);
    let visits = &visits;
    std::future::ready(()).await;
    format!("{visits:?} {session:?}")
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(session));
}
