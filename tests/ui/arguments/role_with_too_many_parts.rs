use clerk_auth::authenticated;

#[authenticated(role = "org:admin:x")]
async fn handler() {}

fn main() {}
