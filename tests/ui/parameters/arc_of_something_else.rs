use clerk_auth::authenticated;
use std::sync::Arc;

#[authenticated]
async fn handler(_user: Arc<String>) {}

fn main() {}
