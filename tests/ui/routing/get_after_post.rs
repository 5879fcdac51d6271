use clerk_auth::routing::{Router, post};
use clerk_auth::{Clerk, authenticated};

#[authenticated]
async fn read() {}

async fn write() {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", post(read).get(write));
}
