use clerk_auth::Clerk;
use clerk_auth::routing::{Router, get};

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(async || "anybody"));
}
