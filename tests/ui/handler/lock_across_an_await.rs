use std::sync::Mutex;

use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) {
    let visits = Mutex::new(0);
    let mut visits = visits.lock().expect("nobody panicked");
    std::future::ready(()).await;
    *visits += 1;
}

fn main() {}
