use clerk_auth::authenticated;

#[authenticated(role = "org:admin,org:owner")]
async fn handler() {}

fn main() {}
