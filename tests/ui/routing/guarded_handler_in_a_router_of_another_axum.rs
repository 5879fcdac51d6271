use axum_0_7::Router;
use axum_0_7::routing::get;
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn handler(_session: Session) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
