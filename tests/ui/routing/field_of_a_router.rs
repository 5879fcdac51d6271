use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn main() {
    let mut router: Router<Clerk> = Router::new();
    router.0 = axum::Router::new();
}
