use clerk_auth::Clerk;
use clerk_auth::routing::Router;

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().fallback(axum::routing::get(handler));
}
