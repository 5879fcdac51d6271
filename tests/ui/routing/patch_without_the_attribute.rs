use clerk_auth::Clerk;
use clerk_auth::routing::{Router, patch};

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", patch(handler));
}
