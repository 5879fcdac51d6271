use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(session: Session) -> Result<String, Box<dyn std::error::Error + Send>> {
    Ok(session.user_id().to_string())
}

fn main() {}
