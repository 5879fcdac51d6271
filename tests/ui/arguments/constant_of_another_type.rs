use clerk_auth::authenticated;

const ADMIN: u8 = 7;

#[authenticated(role = ADMIN)]
async fn handler() {}

fn main() {}
