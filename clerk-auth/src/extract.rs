//! Extractors: what a handler can ask for, and what the caller hears when it cannot have it.

mod authenticated;
mod provides;
mod rejection;
mod subject;

pub use authenticated::{Authenticated, Guard};
pub use provides::Provides;
pub use rejection::Rejection;
pub use subject::{MaybeSynced, Subject, SubjectFrom};
