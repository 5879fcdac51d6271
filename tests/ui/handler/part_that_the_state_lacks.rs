use axum::extract::{FromRef, State};
use clerk_auth::{Clerk, Session, authenticated};

#[derive(Clone)]
struct Mailer;

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
}

#[authenticated(state = AppState)]
async fn handler(_session: Session, State(_mailer): State<Mailer>) {}

fn main() {}
