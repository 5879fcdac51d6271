use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, authenticated};

#[authenticated]
async fn read() {}

async fn write() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(read).merge(axum::routing::post(write)));
}
