// mistakes: 2
use axum::extract::Path;
use clerk_auth::authenticated;

#[authenticated(state = ())]
async fn handler(_id: Path<u64>, _page: u32) {}

fn main() {}
