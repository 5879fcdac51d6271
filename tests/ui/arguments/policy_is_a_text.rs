use clerk_auth::authenticated;

#[authenticated(policy = "Billing")]
async fn handler() {}

fn main() {}
