use clerk_auth::authenticated;

#[authenticated(any())]
async fn handler() {}

fn main() {}
