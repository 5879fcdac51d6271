#![deny(warnings)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{FromRef, Path, Request, State};
use axum::response::Response;
use axum::routing;
use clerk_auth::middleware::RequireSession;
use clerk_auth::routing::{HandlerFor, MethodRouter, Router, any, get, get_service, on};
use clerk_auth::{Clerk, Session, SyncedUser, UserSync, authenticated};
use tower::layer::util::Identity;
use tower::{Layer, service_fn};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated]
async fn me(user: User) -> String {
    user.clerk_id
}

#[authenticated(role = "org:admin")]
async fn write(_: Path<u64>, _: State<AppState>, body: String) -> String {
    body
}

async fn with_a_session(_: Session) {}

#[authenticated]
async fn state_in_an_arc(_user: Arc<User>, State(_state): State<Arc<AppState>>) {}

async fn anybody() {}

async fn files(_request: Request) -> Result<Response, Infallible> {
    Ok(Response::default())
}

fn parts(state: AppState) -> Router<AppState> {
    let states: MethodRouter<AppState> = get(me).with_state(state);
    Router::new().route("/states", states)
}

fn generic<H, T>(handler: H) -> Router<Clerk>
where
    H: HandlerFor<T, Clerk>,
    T: 'static,
{
    Router::new().route("/", get(handler)).fallback(with_a_session)
}

fn app(state: AppState) -> Router {
    let service = RequireSession::new(state.clerk.clone()).layer(service_fn(files));
    let clerk = state.clerk.clone();
    Router::new()
        .route("/me", get(me).post(write).on(routing::MethodFilter::PUT, write).fallback(with_a_session))
        .route("/any", any(async |_: Session| ()))
        .route("/closure", on(routing::MethodFilter::GET, move |_: Session| async move { drop(clerk) }))
        .route("/pointer", get(with_a_session as fn(Session) -> _))
        .route("/service", get_service(service.clone()))
        .route_service("/other", service.clone())
        .nest_service("/files", service)
        .nest("/reports", generic(with_a_session).with_state(state.clerk.clone()))
        .merge(parts(state.clone()))
        .layer(Identity::new())
        .public("/healthz", routing::get(anybody).options(anybody))
        .public_nest("/static", axum::Router::new())
        .public_service("/plain", service_fn(files))
        .public_fallback(anybody)
        .with_state(state)
}

fn in_an_arc(state: AppState) -> Router {
    Router::new().route("/", get(state_in_an_arc)).with_state(Arc::new(state))
}

fn in_a_router_of_axum(state: AppState) -> axum::Router {
    axum::Router::new()
        .merge(app(state.clone()))
        .nest("/inner", axum::Router::from(app(state.clone())))
        .route("/me", get(me).with_state(state).into())
}

async fn served(state: AppState, listener: tokio::net::TcpListener) {
    let _ = app(state.clone()).into_make_service();
    let _ = app(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let _ = axum::serve(listener, app(state));
}

pub(crate) fn main() {
    let _ = (app, in_an_arc, in_a_router_of_axum, served);
}
