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

#[authenticated(agent = "deny")]
async fn no_agent() {}

#[authenticated(agent = "allow")]
async fn an_agent() {}

#[authenticated(agent = "allow")]
async fn a_visitor_or_an_agent(_session: Option<Session>) {}

#[authenticated(role = ADMIN, agent = "allow")]
async fn an_agent_of_an_administrator() {}

#[authenticated(any(agent = "deny", role = "org:robots"))]
async fn some_agents() {}

#[cfg(test)]
#[authenticated(role = "org:admin")]
async fn conditional() {}

#[authenticated(role = "org:admin")]
async fn r#type() {}

pub(crate) fn main() {}
