use clerk_auth::policy::{Denied, Policy};
use clerk_auth::{Session, authenticated};

struct Staff;

impl Policy for Staff {
    fn evaluate(session: &Session) -> Result<(), Denied> {
        session.organization().map(drop).ok_or(Denied::Requirements)
    }
}

#[authenticated(policy = Staff)]
async fn handler() {}

fn main() {}
