use clerk_auth::authenticated;

struct Billing;

#[authenticated(policy = Billing)]
async fn handler() {}

fn main() {}
