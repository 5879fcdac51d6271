use clerk_auth::authenticated;

#[authenticated(any(roles = "org:admin"))]
async fn handler() {}

fn main() {}
