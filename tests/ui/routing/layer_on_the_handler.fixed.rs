use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, authenticated};
use tower::layer::util::Identity;

#[authenticated]
async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler).layer(Identity::new()));
}
