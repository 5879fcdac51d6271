//! The kind of thing that a synced row is about.

/// The kind of thing that a synced row is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowKind {
    /// A user.
    User,
}
