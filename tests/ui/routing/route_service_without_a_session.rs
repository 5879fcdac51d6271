use std::convert::Infallible;

use axum::extract::Request;
use axum::response::Response;
use clerk_auth::Clerk;
use clerk_auth::routing::Router;
use tower::service_fn;

async fn files(_request: Request) -> Result<Response, Infallible> {
    Ok(Response::default())
}

fn main() {
    let _: Router<Clerk> = Router::new().route_service("/", service_fn(files));
}
