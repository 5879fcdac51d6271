use clerk_auth::authenticated;

#[authenticated(any(agent = "allow", role = "org:admin"))]
async fn handler() {}

fn main() {}
