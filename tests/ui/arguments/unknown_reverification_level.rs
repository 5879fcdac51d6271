use clerk_auth::authenticated;

#[authenticated(reverification = "strickt")]
async fn handler() {}

fn main() {}
