use clerk_auth::authenticated;

#[authenticated]
const HANDLER: u8 = 0;

fn main() {}
