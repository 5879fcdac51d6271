use axum::extract::{FromRef, State};
use clerk_auth::{Clerk, Session, authenticated};

#[derive(Clone)]
struct Mailer;

type Mail = State<Mailer>;

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
}

#[authenticated(state = AppState)]
async fn handler(_session: Session, _mailer: Mail) {}

fn main() {}
