use clerk_auth::authenticated;

#[authenticated]
async fn handler<T>() {}

fn main() {}
