use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

async fn handler(_session: Session, _body: String, _address: axum::http::Uri) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
