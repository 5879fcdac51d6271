// mistakes: 2
use axum::Router;
use clerk_auth::routing::get;
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn handler(session: Session) -> Session {
    session
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
