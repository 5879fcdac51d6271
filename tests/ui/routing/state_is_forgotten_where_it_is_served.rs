use clerk_auth::authenticated;
use clerk_auth::routing::{Router, get};
use tokio::net::TcpListener;

#[authenticated]
async fn handler() {}

async fn serve(listener: TcpListener) {
    let _ = axum::serve(listener, Router::new().route("/", get(handler)));
}

fn main() {
    let _ = serve;
}
