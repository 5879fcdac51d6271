//! The fields of a log line about a row: the id and the table, under the name of what the row is about.

use crate::row::{RowKind, SyncedRow};

/// The fields; `tracing` omits those that are `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedRow<'a> {
    pub(crate) users_table: Option<&'static str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) organizations_table: Option<&'static str>,
    pub(crate) organization_id: Option<&'a str>,
}

impl<'a> LoggedRow<'a> {
    /// The fields for the row of `U` with this Clerk id. A delivery about an organization can also fail in the handle on
    /// users, by the application's hook; the id then has the name of an organization's.
    pub(crate) fn new<U: SyncedRow>(clerk_id: &'a str) -> Self {
        let of = |kind| U::KIND == kind;
        let is_organization = of(RowKind::Organization) || RowKind::Organization.is_clerk_id(clerk_id);
        let id = Some(clerk_id).filter(|id| !id.is_empty());
        Self {
            users_table: of(RowKind::User).then_some(U::TABLE),
            user_id: id.filter(|_| !is_organization),
            organizations_table: of(RowKind::Organization).then_some(U::TABLE),
            organization_id: id.filter(|_| is_organization),
        }
    }
}
