use std::future::{Ready, ready};

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

#[derive(Clone)]
struct Anybody;

/// Claims to take a session, but takes none.
impl Handler<(Session,), Clerk> for Anybody {
    type Future = Ready<Response>;

    fn call(self, _request: Request, _clerk: Clerk) -> Self::Future {
        ready(Response::default())
    }
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(Anybody));
}
