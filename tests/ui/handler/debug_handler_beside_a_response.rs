use axum::debug_handler;
use clerk_auth::{Session, authenticated};

#[authenticated]
#[debug_handler]
async fn handler(_session: Session) -> u64 {
    7
}

fn main() {}
