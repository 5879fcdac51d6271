use clerk_auth::authenticated;

#[authenticated(role = "org:admin")]
async fn handler() {}

fn main() {}
