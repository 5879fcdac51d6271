use clerk_auth::policy::SignedIn;
use clerk_auth::{Session, authenticated};

trait Page {
    type Reader;
}

struct Home;

impl Page for Home {
    type Reader = Option<Session>;
}

impl Home {
    #[authenticated(policy = SignedIn)]
    async fn handler(_who: <Self as Page>::Reader) {}
}

fn main() {
    let _ = Home::handler;
}
