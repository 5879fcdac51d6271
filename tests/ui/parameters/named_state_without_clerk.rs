use clerk_auth::{Session, authenticated};

#[derive(Clone)]
struct AppState;

#[authenticated(state = AppState)]
async fn handler(_session: Session) {}

fn main() {}
