use axum::extract::State;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

async fn handler(_clerk: State<Clerk>, _session: Session) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
