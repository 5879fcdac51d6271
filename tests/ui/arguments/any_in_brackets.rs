use clerk_auth::authenticated;

#[authenticated(any[role = "org:admin", role = "org:owner"])]
async fn handler() {}

fn main() {}
