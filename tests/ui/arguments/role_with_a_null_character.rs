use clerk_auth::authenticated;

#[authenticated(role = "org:admin\0")]
async fn handler() {}

fn main() {}
