use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

struct Admins;

#[authenticated(policy = Admins)]
async fn handler(_session: Session) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
