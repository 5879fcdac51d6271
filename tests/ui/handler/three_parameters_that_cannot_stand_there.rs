// mistakes: 3
use clerk_auth::{Clerk, Session, authenticated};

#[authenticated(state = Clerk)]
async fn handler(_session: Session, _id: u64, _name: String, _done: bool) {}

fn main() {}
