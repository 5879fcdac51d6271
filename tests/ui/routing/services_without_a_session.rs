// mistakes: 11
use std::convert::Infallible;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodFilter;
use clerk_auth::Clerk;
use clerk_auth::routing::{self, MethodRouter};
use tower::service_fn;

async fn files(_request: Request) -> Result<Response, Infallible> {
    Ok(Response::default())
}

fn main() {
    let _: MethodRouter<Clerk> = routing::any_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::connect_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::delete_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::get_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::head_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::options_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::patch_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::post_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::put_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::trace_service(service_fn(files));
    let _: MethodRouter<Clerk> = routing::on_service(MethodFilter::GET, service_fn(files));
}
