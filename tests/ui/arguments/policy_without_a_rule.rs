use clerk_auth::authenticated;
use clerk_auth::policy::Policy;

struct Admins;

impl Policy for Admins {}

#[authenticated(policy = Admins)]
async fn handler() {}

fn main() {}
