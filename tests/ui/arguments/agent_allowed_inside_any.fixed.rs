use clerk_auth::authenticated;

#[authenticated(any(role = "org:admin"), agent = "allow")]
async fn handler() {}

fn main() {}
