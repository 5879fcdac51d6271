//! What a field must be so that its struct can be shared between requests.

/// A type that requests can share.
pub trait Shared: Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Shared for T {}

/// The same, as an assumption of generated code: rustc does not prove one that names a lifetime where it stands, and the
/// types of the fields have been asked, each by itself.
pub trait SharedIn<'a>: Sized + Send + Sync + 'static {}

impl<T: Send + Sync + 'static> SharedIn<'_> for T {}
