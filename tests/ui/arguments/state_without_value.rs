use clerk_auth::authenticated;

#[authenticated(state)]
async fn handler() {}

fn main() {}
