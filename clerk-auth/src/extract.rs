//! Extractors: the parameters of a handler, and the error responses of a failed extraction.

pub(crate) mod active;
mod admission;
mod authenticated;
mod decides;
mod problem;
mod provides;
mod rejection;
mod signed_in_user;
pub(crate) mod subject;
mod webhook;

pub(crate) use admission::admit;
pub use authenticated::{Authenticated, Guard};
pub use decides::{BeforeMember, Decides, RowOf, WithRowPolicy};
pub use provides::Provides;
pub use rejection::Rejection;
pub use signed_in_user::SignedInUser;
pub use subject::{MaybeSynced, Subject, SubjectFrom};
pub use webhook::{DELIVERY_TIMEOUT, MAX_DELIVERY_SIZE, WebhookRejection};
