use std::sync::Arc;

use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, authenticated};

struct AppState {
    _clerk: Clerk,
}

#[authenticated]
async fn handler() {}

fn app(state: Arc<AppState>) -> Router {
    Router::new().route("/", get(handler)).with_state(state)
}

fn main() {
    let _ = app;
}
