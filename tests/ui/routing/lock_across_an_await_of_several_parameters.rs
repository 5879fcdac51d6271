use std::sync::Mutex;

use axum::Json;
use axum::extract::State;
use clerk_auth::routing::{Router, post};
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(role = "org:admin")]
async fn count(State(_clerk): State<Clerk>, Json(step): Json<u64>) -> Result<String, String> {
    let visits = Mutex::new(step);
    let mut visits = visits.lock().expect("nobody panicked");
    std::future::ready(()).await;
    *visits += 1;
    Ok(visits.to_string())
}

#[authenticated]
async fn visit(_session: Session) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", post(count).get(visit));
}
