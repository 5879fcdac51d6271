use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn main() {
    let mut router: Router<Clerk> = Router::new();
    let _: &mut axum::Router<Clerk> = &mut router;
}
