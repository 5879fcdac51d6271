use clerk_auth::policy::{Policy, Requirement};
use clerk_auth::{Session, authenticated};

struct Admins;

impl Policy for Admins {
    const REQUIREMENT: Requirement = Requirement::Role("org:admin");
}

#[allow(unused_parens)]
#[authenticated(policy = Admins)]
async fn handler(_who: (Option<Session>)) {}

fn main() {}
