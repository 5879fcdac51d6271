use axum::Json as Input;
use axum::http::Method;
use clerk_auth::{Session, authenticated};

#[authenticated]
async fn handler(_session: Session, _input: Input<Vec<u64>>, _method: Method) {}

fn main() {}
