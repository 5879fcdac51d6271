use axum::extract::{Request, State};
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn handler(_session: Session, _request: Request, State(_clerk): State<Clerk>) {}

fn main() {}
