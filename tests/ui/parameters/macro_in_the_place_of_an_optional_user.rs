use clerk_auth::{Session, authenticated};

macro_rules! maybe {
    ($user:ty) => {
        Option<$user>
    };
}

#[authenticated(feature = "reports")]
async fn handler(_who: maybe!(Session)) {}

fn main() {}
