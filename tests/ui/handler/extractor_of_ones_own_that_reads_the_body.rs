use std::convert::Infallible;

use axum::extract::{FromRequest, RawQuery, Request};
use clerk_auth::{Session, authenticated};

struct Upload;

impl<S: Sync> FromRequest<S> for Upload {
    type Rejection = Infallible;

    async fn from_request(_: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

#[authenticated]
async fn handler(_session: Session, _upload: Upload, _query: RawQuery) {}

fn main() {}
