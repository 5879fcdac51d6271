use clerk_auth::authenticated;

#[authenticated(role = "org:admin", permission = "org:billing:manage")]
async fn handler() {}

fn main() {}
