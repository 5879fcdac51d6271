use clerk_auth::{Session, authenticated};
use clerk_auth::policy::{Policy, Requirement};

const ADMIN: &str = "org:admin";

struct Billing;

impl Policy for Billing {
    const REQUIREMENT: Requirement = Requirement::Role("org:billing");
}

#[authenticated(role = "org:admin")]
async fn role() {}

#[authenticated(role = ADMIN, permission = "org:billing:manage")]
async fn constants() {}

#[authenticated(any(role = "org:admin", all(feature = "reports", plan = "user:pro")), impersonation = "deny")]
async fn nested(_session: Session) {}

#[authenticated(reverification = "strict_mfa")]
async fn reverification() {}

#[authenticated(policy = Billing)]
async fn policy() {}

#[cfg(test)]
#[authenticated(role = "org:admin")]
async fn conditional() {}

#[authenticated(role = "org:admin")]
async fn r#type() {}

fn main() {}
