use clerk_auth::authenticated;

#[authenticated(agent = "denied")]
async fn handler() {}

fn main() {}
