use clerk_auth::authenticated;

#[authenticated(role = "org:admin", policy = clerk_auth::policy::SignedIn)]
async fn handler() {}

fn main() {}
