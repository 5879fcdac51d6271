use clerk_auth::authenticated;

#[authenticated(permission = "org:billing:manage")]
async fn handler() {}

fn main() {}
