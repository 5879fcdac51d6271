use clerk_auth::Clerk;
use clerk_auth::routing::{MethodRouter, Router};

fn reports() -> MethodRouter<u64> {
    MethodRouter::new()
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", reports());
}
