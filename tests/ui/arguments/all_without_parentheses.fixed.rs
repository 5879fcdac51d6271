use clerk_auth::authenticated;

#[authenticated(all(role = "org:admin", permission = "org:billing:manage"))]
async fn handler() {}

fn main() {}
