use clerk_auth::authenticated;

#[authenticated(rol = "org:admin")]
async fn handler() {}

fn main() {}
