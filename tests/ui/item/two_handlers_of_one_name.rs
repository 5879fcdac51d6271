use clerk_auth::authenticated;

#[authenticated(role = "org:admin")]
async fn remove() {}

#[authenticated(role = "org:owner")]
async fn remove() {}

fn main() {}
