use clerk_auth::authenticated;

#[authenticated]
fn handler() {}

fn main() {}
