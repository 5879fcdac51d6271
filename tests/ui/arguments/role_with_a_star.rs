use clerk_auth::authenticated;

#[authenticated(role = "org:*")]
async fn handler() {}

fn main() {}
