use clerk_auth::authenticated;

#[authenticated]
async fn handler() {}

fn main() {}
