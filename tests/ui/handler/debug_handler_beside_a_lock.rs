// mistakes: 2
use std::sync::Mutex;

use clerk_auth::{Session, authenticated};

struct Handlers;

impl Handlers {
    #[authenticated]
    #[axum::debug_handler]
    pub async fn count(_session: Session) {
        let visits = Mutex::new(0);
        let mut visits = visits.lock().expect("nobody panicked");
        std::future::ready(()).await;
        *visits += 1;
    }

    #[authenticated]
    #[axum::debug_handler]
    pub async fn new() -> Self {
        let visits = Mutex::new(0);
        let mut visits = visits.lock().expect("nobody panicked");
        std::future::ready(()).await;
        *visits += 1;
        Self
    }
}

impl axum::response::IntoResponse for Handlers {
    fn into_response(self) -> axum::response::Response {
        axum::response::Response::default()
    }
}

fn main() {}
