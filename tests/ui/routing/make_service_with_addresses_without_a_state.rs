use std::net::SocketAddr;

use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn main() {
    let router: Router<Clerk> = Router::new();
    let _ = router.into_make_service_with_connect_info::<SocketAddr>();
}
