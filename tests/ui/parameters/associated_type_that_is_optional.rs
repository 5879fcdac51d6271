use clerk_auth::{Session, authenticated};

trait Page {
    type Reader;
}

struct Home;

impl Page for Home {
    type Reader = Option<Session>;
}

#[authenticated(impersonation = "deny")]
async fn handler(_who: <Home as Page>::Reader) {}

fn main() {}
