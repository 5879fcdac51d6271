use clerk_auth::{Session, authenticated};

#[authenticated(role = "org:admin", permission = "org:billing:manage")]
async fn handler(_session: Session) {}

fn main() {}
