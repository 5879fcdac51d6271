// mistakes: 2
use std::sync::Mutex;

use axum::debug_handler;
use clerk_auth::routing::Router;
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
#[debug_handler]
async fn count(_session: Option<Session>) {
    let visits = Mutex::new(0);
    let mut visits = visits.lock().expect("nobody panicked");
    std::future::ready(()).await;
    *visits += 1;
}

fn main() {
    let _: Router<Clerk> = Router::new().public("/", axum::routing::get(count));
}
