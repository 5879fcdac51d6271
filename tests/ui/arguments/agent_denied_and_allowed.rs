use clerk_auth::authenticated;

#[authenticated(agent = "deny", agent = "allow")]
async fn handler() {}

fn main() {}
