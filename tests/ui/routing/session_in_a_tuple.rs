use axum::http::HeaderMap;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

async fn handler(_both: (HeaderMap, Session)) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
