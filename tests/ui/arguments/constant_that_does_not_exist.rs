use clerk_auth::authenticated;

#[authenticated(role = ADMIN)]
async fn handler() {}

fn main() {}
