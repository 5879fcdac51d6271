use clerk_auth::authenticated;

#[authenticated(reverification = strict)]
async fn handler() {}

fn main() {}
