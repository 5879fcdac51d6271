use clerk_auth::authenticated;

#[derive(Clone)]
struct User;

#[authenticated]
async fn handler(_user: User) {}

fn main() {}
