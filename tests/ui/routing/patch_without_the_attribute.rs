use axum::Router;
use clerk_auth::Clerk;
use clerk_auth::routing::patch;

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", patch(handler));
}
