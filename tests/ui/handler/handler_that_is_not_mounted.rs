#![deny(dead_code)]

use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session) {}

fn main() {}
