use axum::extract::State;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

#[derive(Clone, axum::extract::FromRef)]
struct AppState {
    clerk: Clerk,
    database: Database,
}

#[derive(Clone)]
struct Database;

#[authenticated]
async fn handler(_session: Session, _database: State<Database>) {}

fn main() {
    let _: Router<AppState> = Router::new().route("/", get(handler));
}
