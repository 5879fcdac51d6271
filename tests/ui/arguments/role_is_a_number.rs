use clerk_auth::authenticated;

#[authenticated(role = 7)]
async fn handler() {}

fn main() {}
