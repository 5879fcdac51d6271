use axum::http::HeaderMap;
use clerk_auth::Clerk;
use clerk_auth::routing::{Router, get};
use clerk_auth::Session;

async fn handler(_headers: HeaderMap, _session: Session) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
