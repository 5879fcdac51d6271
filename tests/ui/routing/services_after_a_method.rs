// mistakes: 11
use std::convert::Infallible;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodFilter;
use clerk_auth::Clerk;
use clerk_auth::routing::MethodRouter;
use tower::service_fn;

async fn files(_request: Request) -> Result<Response, Infallible> {
    Ok(Response::default())
}

fn main() {
    let _: MethodRouter<Clerk> = MethodRouter::new().connect_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().delete_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().get_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().head_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().options_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().patch_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().post_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().put_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().trace_service(service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().on_service(MethodFilter::GET, service_fn(files));
    let _: MethodRouter<Clerk> = MethodRouter::new().fallback_service(service_fn(files));
}
