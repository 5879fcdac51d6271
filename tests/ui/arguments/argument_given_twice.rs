use clerk_auth::authenticated;

#[authenticated(role = "org:admin", role = "org:owner")]
async fn handler() {}

fn main() {}
