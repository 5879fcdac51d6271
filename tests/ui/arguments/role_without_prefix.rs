use clerk_auth::authenticated;

#[authenticated(role = "admin")]
async fn handler() {}

fn main() {}
