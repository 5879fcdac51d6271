use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn reports() -> Router<u64> {
    Router::new()
}

fn main() {
    let _: Router<Clerk> = Router::new().merge(reports());
}
