use clerk_auth::Clerk;
use clerk_auth::routing::{Router, get};

#[clerk_auth::authenticated]
async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
