use clerk_auth::authenticated;

#[authenticated(impersonation = "allow")]
async fn handler() {}

fn main() {}
