use clerk_auth::Clerk;
use clerk_auth::routing::GuardedRouter;

struct Anybody;

impl GuardedRouter<Clerk> for Anybody {
    fn into_axum(self) -> axum::Router<Clerk> {
        axum::Router::new()
    }
}

fn main() {}
