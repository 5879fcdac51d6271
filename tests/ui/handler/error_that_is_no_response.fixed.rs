use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) -> Result<String, axum::http::StatusCode> {
    std::fs::read_to_string("notes").map_err(|_| axum::http::StatusCode::INTERNAL_SERVER_ERROR)
}

fn main() {}
