use clerk_auth::Clerk;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
