//! Extractors: what a handler can ask for, and what the caller hears when it cannot have it.

mod authenticated;
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
pub use webhook::{DELIVERY_TIMEOUT, LARGEST_DELIVERY, WebhookRejection};
