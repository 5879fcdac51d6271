use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session};

async fn handler(session: Session) -> String {
    session.user_id().to_string()
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
