// mistakes: 3
use axum::Json;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

struct User;

#[authenticated]
async fn stranger(_user: User, _text: String) {}

#[authenticated]
async fn count(session: Session) -> Json<u64> {
    Json(session.user_id())
}

#[authenticated]
async fn list(_session: Session) -> Vec<Session> {
    Vec::new()
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(stranger).put(count).post(list)).fallback(stranger);
}
