use clerk_auth::authenticated;

#[authenticated]
enum Handler {}

fn main() {}
