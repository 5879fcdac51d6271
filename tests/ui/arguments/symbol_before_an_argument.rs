use clerk_auth::authenticated;

#[authenticated(&role)]
async fn handler() {}

fn main() {}
