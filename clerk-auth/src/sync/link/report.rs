//! The report of linking: pairs, ambiguous values, and users and rows without a counterpart.

use std::fmt;

use crate::id::UserId;
use crate::sync::model::linking::LinkBy;

/// The result of [linking](crate::UserSync::link): JSON through serde, and text through `Display`.
///
/// The report contains values, such as e-mail addresses. Unlike a log, it is personal data.
///
/// ```
/// use clerk_auth::id::UserId;
/// use clerk_auth::sync::{LinkMatch, LinkReport};
///
/// let mut report = LinkReport::default(); // the result of `users.link(&api).run().await?`
/// report.users = 1;
/// report.pairs.push(LinkMatch::new(Some(UserId::new("user_ada")), Some("ada@example.com"), Some("7")));
///
/// let text = "1 users, 0 with a row: 1 pairs, 0 ambiguous, 0 not linked; without a counterpart: 0 users, 0 rows\n\
///             nothing was written\n\
///             pair user_ada ada@example.com (row 7)";
/// assert_eq!(report.to_string(), text);
/// assert_eq!(serde_json::to_value(&report)?["pairs"]["listed"][0]["user_id"], "user_ada");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct LinkReport {
    /// The value by which users and rows were compared.
    pub by: LinkBy,
    /// The number of Clerk's users.
    pub users: u64,
    /// The number of users who already had a row.
    pub with_row: u64,
    /// Users with their rows.
    pub pairs: LinkList,
    /// Users whose value does not identify exactly one row and one user. They are never linked.
    pub ambiguous: LinkList,
    /// Pairs that could not be written.
    pub not_linked: LinkList,
    /// Users without a matching row. They get a row when they sign in.
    pub users_without_row: LinkList,
    /// Rows without a Clerk user that are in no pair, including those with ambiguous values.
    pub rows_without_user: LinkList,
    /// The number of rows that were linked.
    pub linked: u64,
    /// The number of users whose `external_id` was set at Clerk.
    pub external_ids: u64,
}

/// A list of users and rows. All are counted, and the first [`LinkList::MAX_LISTED`] are listed, so that a report is
/// bounded.
///
/// ```
/// use clerk_auth::sync::{LinkList, LinkMatch};
///
/// let mut list = LinkList::default();
/// list.push(LinkMatch::new(None, Some("ada@example.com"), None));
/// assert_eq!((list.count, list.listed[0].value.as_deref()), (1, Some("ada@example.com")));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct LinkList {
    /// The number of entries.
    pub count: u64,
    /// The first entries.
    pub listed: Vec<LinkMatch>,
}

/// A user, a row, or both.
///
/// ```
/// use clerk_auth::id::UserId;
/// use clerk_auth::sync::LinkMatch;
///
/// let pair = LinkMatch::new(Some(UserId::new("user_ada")), Some("ada@example.com"), Some("7"));
/// assert_eq!(pair.to_string(), "user_ada ada@example.com (row 7)");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct LinkMatch {
    /// The user.
    pub user_id: Option<UserId>,
    /// The value by which rows are linked: the user's, or without a user the row's.
    pub value: Option<String>,
    /// The primary key of the row.
    pub row: Option<String>,
    /// The reason why the two are not linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotLinked>,
}

/// The reason why a user and a row with the same value are not linked.
///
/// ```
/// use clerk_auth::sync::NotLinked;
///
/// assert_eq!(NotLinked::SeveralRows.to_string(), "several rows have the value");
/// assert_eq!(serde_json::to_value(NotLinked::SeveralRows)?, "several_rows");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotLinked {
    /// The user has not verified the primary e-mail address, and may not be its owner.
    #[error("the user has not verified the e-mail address")]
    Unverified,
    /// More than one row without a Clerk user has the value.
    #[error("several rows have the value")]
    SeveralRows,
    /// Several Clerk users have values that the database considers equal.
    #[error("several users have the value")]
    SeveralUsers,
    /// A row with the value belongs to another Clerk user, or is marked as deleted.
    #[error("a row with the value belongs to another Clerk user or is marked as deleted")]
    RowOfAnotherUser,
    /// The user is marked as deleted in this table.
    #[error("the user is marked as deleted")]
    UserDeleted,
    /// The user or the row has changed since the comparison, or the user has signed in and has a row by now.
    #[error("the user or the row has changed since the comparison; link again")]
    Changed,
    /// The user has another `external_id` at Clerk, which is never replaced.
    #[error("the user has another `external_id` at Clerk")]
    OtherExternalId,
    /// Clerk refuses the `external_id`, for example because another user has it.
    #[error("Clerk refuses the `external_id`")]
    ExternalIdRefused,
    /// The application's `on_link` failed.
    #[error("the application's `on_link` failed")]
    OnLink,
    /// The database refuses the change: a constraint or a trigger, or a row that cannot be read as the struct.
    #[error("the database refuses the change")]
    Refused,
}

impl LinkMatch {
    /// Describes a user and a row.
    pub fn new(user_id: Option<UserId>, value: Option<&str>, row: Option<&str>) -> Self {
        Self {
            user_id,
            value: value.map(ToOwned::to_owned),
            row: row.map(ToOwned::to_owned),
            reason: None,
        }
    }

    pub(super) fn because(self, reason: NotLinked) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }
}

impl LinkList {
    /// The maximum number of entries that are listed.
    pub const MAX_LISTED: usize = 10_000;

    /// Adds an entry.
    pub fn push(&mut self, entry: LinkMatch) {
        self.count += 1;
        if self.listed.len() < Self::MAX_LISTED {
            self.listed.push(entry);
        }
    }
}

impl fmt::Display for LinkMatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user_id = self.user_id.as_ref().map(UserId::as_str);
        let parts: Vec<&str> = user_id.into_iter().chain(self.value.as_deref()).collect();
        formatter.write_str(&parts.join(" "))?;
        if let Some(row) = &self.row {
            let space = if parts.is_empty() { "" } else { " " };
            write!(formatter, "{space}(row {row})")?;
        }
        match &self.reason {
            Some(reason) => write!(formatter, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LinkReport {
    /// Writes two lines of counts, and one line per listed entry.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("pair", &self.pairs),
            ("ambiguous", &self.ambiguous),
            ("not linked", &self.not_linked),
            ("user without a row", &self.users_without_row),
            ("row without a user", &self.rows_without_user),
        ];
        let [pairs, ambiguous, not_linked, users, rows] = lists.map(|(_, list)| list.count);
        write!(
            formatter,
            "{} users, {} with a row: {pairs} pairs, {ambiguous} ambiguous, {not_linked} not linked; \
             without a counterpart: {users} users, {rows} rows",
            self.users, self.with_row
        )?;
        match (self.linked, self.external_ids) {
            (0, 0) => write!(formatter, "\nnothing was written")?,
            (linked, 0) => write!(formatter, "\nlinked {linked} rows")?,
            (linked, set) => write!(
                formatter,
                "\nlinked {linked} rows, set {set} external ids at Clerk"
            )?,
        }
        for (name, list) in lists {
            for entry in &list.listed {
                write!(formatter, "\n{name} {entry}")?;
            }
            let listed = u64::try_from(list.listed.len()).unwrap_or(u64::MAX);
            if list.count > listed {
                write!(formatter, "\n{name} and {} more", list.count - listed)?;
            }
        }
        Ok(())
    }
}
