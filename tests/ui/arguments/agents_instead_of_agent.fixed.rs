use clerk_auth::authenticated;

#[authenticated(agent = "deny")]
async fn handler() {}

fn main() {}
