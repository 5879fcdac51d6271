use clerk_auth::authenticated;

#[authenticated("org:admin")]
async fn handler() {}

fn main() {}
