//! The kind of thing that a synced row is about.

/// The kind of thing that a synced row is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowKind {
    /// A user.
    User,
    /// An organization.
    Organization,
    /// A user's membership in an organization.
    Membership,
}

impl RowKind {
    /// The noun for it in log lines.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "membership",
        }
    }

    /// The noun with its article.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::User => "a user",
            Self::Organization => "an organization",
            Self::Membership => "a membership",
        }
    }

    /// The phrase for its row in log lines.
    pub(crate) const fn row(self) -> &'static str {
        match self {
            Self::User => "a user's row",
            Self::Organization => "an organization's row",
            Self::Membership => "a membership's row",
        }
    }

    /// Returns whether an id can be Clerk's. Other rows have a placeholder in its place.
    pub(crate) fn is_clerk_id(self, id: &str) -> bool {
        let prefix = match self {
            // The key of a membership begins with the user's id.
            Self::User | Self::Membership => "user_",
            Self::Organization => "org_",
        };
        id.starts_with(prefix)
    }
}
