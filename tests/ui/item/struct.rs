use clerk_auth::authenticated;

#[authenticated]
struct Handler;

fn main() {}
