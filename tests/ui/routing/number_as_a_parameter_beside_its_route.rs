use axum::extract::FromRef;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
}

#[authenticated(state = AppState)]
async fn handler(_session: Session, _page: u64) {}

fn main() {
    let _: Router<AppState> = Router::new().route("/", get(handler));
}
