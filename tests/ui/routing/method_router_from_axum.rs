use clerk_auth::Clerk;
use clerk_auth::routing::MethodRouter;

async fn handler() {}

fn main() {
    let _: MethodRouter<Clerk> = axum::routing::get(handler).into();
}
