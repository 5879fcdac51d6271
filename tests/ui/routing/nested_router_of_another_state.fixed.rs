use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, authenticated};

#[derive(Clone, axum::extract::FromRef)]
struct AppState {
    clerk: Clerk,
}

#[authenticated]
async fn handler() {}

fn reports() -> Router<Clerk> {
    Router::new().route("/", get(handler))
}

fn app(state: AppState) -> Router {
    Router::new().nest("/reports", reports().with_state(state.clerk.clone())).with_state(state)
}

fn main() {
    let _ = app;
}
