use clerk_auth::authenticated;

#[authenticated(plan = "team:pro")]
async fn handler() {}

fn main() {}
