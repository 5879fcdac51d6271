use axum::Router;
use clerk_auth::Clerk;
use clerk_auth::routing::any;

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", any(handler));
}
