use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, authenticated};
use tokio::net::TcpListener;

#[authenticated]
async fn handler() {}

fn app() -> Router<Clerk> {
    Router::new().route("/", get(handler))
}

async fn serve(listener: TcpListener) {
    let _ = axum::serve(listener, app());
}

fn main() {
    let _ = serve;
}
