use clerk_auth::authenticated;

#[authenticated(all(role = "org:admin", feature = "reports"))]
async fn handler() {}

fn main() {}
