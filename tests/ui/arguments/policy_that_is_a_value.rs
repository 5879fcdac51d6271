use clerk_auth::authenticated;
use clerk_auth::policy::{Policy, Requirement};

struct Admins;

impl Policy for Admins {
    const REQUIREMENT: Requirement = Requirement::Role("org:admin");
}

#[authenticated(policy = Admins::new())]
async fn handler() {}

fn main() {}
