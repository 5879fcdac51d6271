use clerk_auth::authenticated;

#[authenticated(feature = "")]
async fn handler() {}

fn main() {}
