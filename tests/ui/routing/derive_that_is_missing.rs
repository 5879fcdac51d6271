use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, authenticated};

struct User;

#[authenticated]
async fn handler(_user: User) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
