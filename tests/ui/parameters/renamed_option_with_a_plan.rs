use std::option::Option as Maybe;

use clerk_auth::{Session, authenticated};

#[authenticated(plan = "user:pro")]
async fn handler(_who: Maybe<Session>) {}

fn main() {}
