use clerk_auth::authenticated;

#[authenticated(agents = "deny")]
async fn handler() {}

fn main() {}
