use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn main() {
    let _: Router<Clerk> = axum::Router::new().into();
}
