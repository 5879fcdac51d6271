use clerk_auth::Clerk;
use clerk_auth::middleware::{RequireSession, SessionRequired};

fn guarded(clerk: Clerk) -> SessionRequired<axum::Router> {
    SessionRequired { inner: axum::Router::new(), layer: RequireSession::new(clerk) }
}

fn main() {
    let _ = guarded;
}
