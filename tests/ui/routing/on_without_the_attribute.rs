use axum::routing::MethodFilter;
use clerk_auth::Clerk;
use clerk_auth::routing::{Router, on};

async fn handler() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", on(MethodFilter::POST.or(MethodFilter::PUT), handler));
}
