//! The ids of imported objects.

use std::fmt;

use crate::id::{MembershipKey, OrganizationId, UserId};

/// The id of a user, an organization or a membership, in the progress of an [`Import`](crate::sync::Import) and in a
/// [`Drift`](crate::sync::Drift).
///
/// ```
/// use clerk_auth::sync::{ImportProgress, ImportedId};
///
/// /// Prints the objects that an import of any kind has skipped.
/// fn print<I: ImportedId>(progress: &ImportProgress<I>) {
///     for (id, reason) in &progress.not_imported {
///         println!("{id}: {reason}");
///     }
/// }
/// ```
pub trait ImportedId: Clone + fmt::Debug + fmt::Display + serde::Serialize + Send + sealed::Sealed {
    /// The noun for the objects, in the plural.
    #[doc(hidden)]
    const NOUN: &'static str;

    /// Reads the id by which sync finds the row.
    #[doc(hidden)]
    fn from_key(key: &str) -> Self;
}

impl ImportedId for UserId {
    const NOUN: &'static str = "users";

    fn from_key(key: &str) -> Self {
        Self::new(key)
    }
}

impl ImportedId for OrganizationId {
    const NOUN: &'static str = "organizations";

    fn from_key(key: &str) -> Self {
        Self::new(key)
    }
}

impl ImportedId for MembershipKey {
    const NOUN: &'static str = "memberships";

    fn from_key(key: &str) -> Self {
        Self::from_text(key)
    }
}

mod sealed {
    use super::{MembershipKey, OrganizationId, UserId};

    pub trait Sealed {}

    impl Sealed for UserId {}
    impl Sealed for OrganizationId {}
    impl Sealed for MembershipKey {}
}
