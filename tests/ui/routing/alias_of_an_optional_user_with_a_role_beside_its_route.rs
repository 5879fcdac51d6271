use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

type Visitor = Option<Session>;

#[authenticated(role = "org:admin")]
async fn handler(_visitor: Visitor) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
