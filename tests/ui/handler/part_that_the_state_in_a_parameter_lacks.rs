use axum::extract::{FromRef, State};
use clerk_auth::{Clerk, Session, authenticated};

#[derive(Clone)]
struct Mailer;

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
}

#[authenticated]
async fn handler(_session: Session, _state: State<AppState>, _mailer: State<Mailer>) {}

fn main() {}
