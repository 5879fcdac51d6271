use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn main() {
    let _: Router<Clerk> = Router::new().public_merge(axum_0_7::Router::new());
}
