use clerk_auth::authenticated;

#[authenticated(agent = false)]
async fn handler() {}

fn main() {}
