use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use clerk_auth::routing::GuardedService;
use tower::Service;

#[derive(Clone)]
struct Anybody;

impl Service<Request> for Anybody {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

impl GuardedService for Anybody {}

fn main() {}
