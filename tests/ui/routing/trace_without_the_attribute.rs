use clerk_auth::Clerk;
use clerk_auth::routing::{Router, trace};

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", trace(handler));
}
