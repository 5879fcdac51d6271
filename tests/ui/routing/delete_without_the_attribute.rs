use clerk_auth::Clerk;
use clerk_auth::routing::{Router, delete};

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", delete(handler));
}
