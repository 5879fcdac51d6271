use clerk_auth::Clerk;
use clerk_auth::routing::Router;

fn api() -> axum::Router<Clerk> {
    axum::Router::new().route("/", axum::routing::get(async || "anybody"))
}

fn main() {
    let _: Router<Clerk> = Router::new().nest("/api", api());
}
