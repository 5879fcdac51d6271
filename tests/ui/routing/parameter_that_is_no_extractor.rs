use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

struct Page;

async fn handler(_session: Session, _page: Page) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
