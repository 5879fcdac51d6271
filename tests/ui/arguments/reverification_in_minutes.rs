use clerk_auth::authenticated;

#[authenticated(reverification = "10")]
async fn handler() {}

fn main() {}
