//! A guarded router as a service: for `axum::serve`, and for requests without a network.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::http::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use axum::serve::{IncomingStream, Listener};
use tower_service::Service;

use super::mount::{Given, MissingState};
use super::router::Router;

impl<S, B> Service<Request<B>> for Router<S>
where
    MissingState<S>: Given<S>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(MissingState::complete_mut(&mut self.0), context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        MissingState::complete_mut(&mut self.0).call(request)
    }
}

impl<S, L> Service<IncomingStream<'_, L>> for Router<S>
where
    MissingState<S>: Given<S>,
    L: Listener,
{
    type Response = axum::Router;
    type Error = Infallible;
    type Future = Ready<Result<axum::Router, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: IncomingStream<'_, L>) -> Self::Future {
        // Setting the state here builds axum's routes once, instead of once per request.
        ready(Ok(MissingState::complete_mut(&mut self.0).clone().with_state(())))
    }
}
