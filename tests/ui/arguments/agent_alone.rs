use clerk_auth::authenticated;

#[authenticated(agent)]
async fn handler() {}

fn main() {}
