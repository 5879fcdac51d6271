use clerk_auth::authenticated;

#[authenticated(permission = "org:billing")]
async fn handler() {}

fn main() {}
