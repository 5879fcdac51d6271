//! The kind of a synced row: user, organization or membership.

/// The kind of a synced row: user, organization or membership.
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
    /// Returns the noun for log lines.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "membership",
        }
    }

    /// Returns the noun with its article.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::User => "a user",
            Self::Organization => "an organization",
            Self::Membership => "a membership",
        }
    }

    /// Returns the phrase for the row in log lines.
    pub(crate) const fn row(self) -> &'static str {
        match self {
            Self::User => "a user's row",
            Self::Organization => "an organization's row",
            Self::Membership => "a membership's row",
        }
    }

    /// Returns whether an id can be Clerk's. Rows of other origins have a placeholder.
    pub(crate) fn is_clerk_id(self, id: &str) -> bool {
        let prefix = match self {
            // The key of a membership begins with the user's id.
            Self::User | Self::Membership => "user_",
            Self::Organization => "org_",
        };
        id.starts_with(prefix)
    }
}
