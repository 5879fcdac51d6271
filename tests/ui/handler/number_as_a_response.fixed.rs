use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) -> axum::Json<u64> {
    axum::Json(7)
}

fn main() {}
