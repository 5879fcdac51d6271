//! The kind of thing that a synced row is about.

/// The kind of thing that a synced row is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowKind {
    /// A user.
    User,
    /// An organization.
    Organization,
}

impl RowKind {
    /// Returns whether an id can be Clerk's. Other rows have a placeholder in its place.
    pub(crate) fn is_clerk_id(self, id: &str) -> bool {
        let prefix = match self {
            Self::User => "user_",
            Self::Organization => "org_",
        };
        id.starts_with(prefix)
    }
}
