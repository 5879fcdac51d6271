use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn main() {
    let _: Router<Clerk> = Router(axum::Router::new());
}
