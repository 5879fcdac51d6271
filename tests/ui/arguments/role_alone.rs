use clerk_auth::authenticated;

#[authenticated(admin)]
async fn handler() {}

fn main() {}
