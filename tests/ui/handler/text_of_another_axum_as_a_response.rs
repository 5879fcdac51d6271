use axum_0_7::response::Html;
use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(session: Session) -> Html<String> {
    Html(session.user_id().to_string())
}

fn main() {}
