use clerk_auth::authenticated;

struct Tenant;

#[authenticated]
async fn handler(_tenant: Tenant) {}

fn main() {}
