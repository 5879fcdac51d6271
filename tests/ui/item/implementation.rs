use clerk_auth::authenticated;

struct Handlers;

#[authenticated]
impl Handlers {}

fn main() {}
