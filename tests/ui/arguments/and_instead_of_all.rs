use clerk_auth::authenticated;

#[authenticated(and(role = "org:admin", feature = "reports"))]
async fn handler() {}

fn main() {}
