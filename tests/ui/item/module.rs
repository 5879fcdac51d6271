use clerk_auth::authenticated;

#[authenticated]
mod handlers {}

fn main() {}
