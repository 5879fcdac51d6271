use axum::Json;
use axum::http::Method;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated]
async fn read(_session: Session) {}

#[authenticated]
async fn write(_session: Session, _body: Json<u64>, _method: Method) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(read).post(write)).route("/all", get(write));
}
