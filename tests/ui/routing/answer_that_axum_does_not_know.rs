use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn handler(session: Session) -> Session {
    session
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
