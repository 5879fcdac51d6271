use clerk_auth::authenticated;
use clerk_auth::policy::SignedIn;

#[authenticated(policy = SignedIn, agent = "allow")]
async fn handler() {}

fn main() {}
