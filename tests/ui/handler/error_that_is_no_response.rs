use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) -> Result<String, std::io::Error> {
    std::fs::read_to_string("notes")
}

fn main() {}
