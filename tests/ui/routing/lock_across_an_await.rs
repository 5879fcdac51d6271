use std::sync::Mutex;

use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn count(_session: Session) {
    let visits = Mutex::new(0);
    let mut visits = visits.lock().expect("nobody panicked");
    std::future::ready(()).await;
    *visits += 1;
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(count));
}
