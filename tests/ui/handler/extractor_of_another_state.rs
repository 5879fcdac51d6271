use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use clerk_auth::{Clerk, Session, authenticated};

struct Database;

struct Tenant;

impl FromRequestParts<Database> for Tenant {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &Database) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _tenant: Tenant) {}

fn main() {}
