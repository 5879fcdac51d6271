use clerk_auth::authenticated;

#[authenticated(all = "org:admin")]
async fn handler() {}

fn main() {}
