//! The fields of a log line about a row: its id and its table, named after the kind of row.

use crate::row::{RowKind, SyncedRow};

/// The fields; `tracing` omits those that are `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedRow<'a> {
    pub(crate) users_table: Option<&'static str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) organizations_table: Option<&'static str>,
    pub(crate) organization_id: Option<&'a str>,
    pub(crate) memberships_table: Option<&'static str>,
}

impl<'a> LoggedRow<'a> {
    /// Returns the fields for the row of `U` with this Clerk id. In the handle on users, the id can be that of an
    /// organization, if a hook fails for its delivery.
    pub(crate) fn new<U: SyncedRow>(clerk_id: &'a str) -> Self {
        let table = |kind| (U::KIND == kind).then_some(U::TABLE);
        // The key of a membership contains both ids.
        let (user_id, organization_id) = match clerk_id.split_once(':') {
            Some((user_id, organization_id)) => (user_id, organization_id),
            None if U::KIND == RowKind::Organization || RowKind::Organization.is_clerk_id(clerk_id) => {
                ("", clerk_id)
            }
            None => (clerk_id, ""),
        };
        let known = |id: &'a str| Some(id).filter(|id| !id.is_empty());
        Self {
            users_table: table(RowKind::User),
            user_id: known(user_id),
            organizations_table: table(RowKind::Organization),
            organization_id: known(organization_id),
            memberships_table: table(RowKind::Membership),
        }
    }
}

/// Logs an event about a row, with the fields of its [`LoggedRow`] first.
macro_rules! log_row {
    ($level:ident, $row:ident, $($event:tt)+) => {
        tracing::$level!(
            users_table = $row.users_table,
            user_id = $row.user_id,
            organizations_table = $row.organizations_table,
            memberships_table = $row.memberships_table,
            organization_id = $row.organization_id,
            $($event)+
        )
    };
}

pub(crate) use log_row;
