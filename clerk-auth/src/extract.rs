//! Extractors: the parameters of a handler, and the error responses if one is not available.

mod authenticated;
pub(crate) mod membership;
pub(crate) mod organization;
mod problem;
mod provides;
mod rejection;
pub(crate) mod subject;
mod webhook;

pub use authenticated::{Authenticated, Guard};
pub use provides::Provides;
pub use rejection::Rejection;
pub(crate) use subject::admit;
pub use subject::{MaybeSynced, SignedInUser, Subject, SubjectFrom};
pub use webhook::{DELIVERY_TIMEOUT, MAX_DELIVERY_SIZE, WebhookRejection};
