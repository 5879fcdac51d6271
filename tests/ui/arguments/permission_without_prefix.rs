use clerk_auth::authenticated;

#[authenticated(permission = "billing:manage")]
async fn handler() {}

fn main() {}
