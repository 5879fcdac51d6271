use clerk_auth::extract::Rejection;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

async fn handler(_session: Result<Session, Rejection>) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
