//! What a synced row is about.

/// What a synced row is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowKind {
    /// A user.
    User,
}
