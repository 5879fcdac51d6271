use clerk_auth::authenticated;

#[authenticated(not(role = "org:guest"))]
async fn handler() {}

fn main() {}
