//! The report of an import: counts, position, and the errors per object.

use std::fmt;

use super::cursor::ImportCursor;
use super::id::ImportedId;
use crate::claim::UnreadableClaims;
use crate::id::UserId;
use crate::sync::store::error::BoxError;
use crate::sync::store::sqlstate::details;

/// The progress of an [`Import`](crate::sync::Import).
///
/// ```
/// use clerk_auth::sync::ImportProgress;
///
/// /// Prints the progress after each step, and stores the cursor for the next start.
/// fn report(progress: &ImportProgress) -> Option<String> {
///     println!("{} users: {}", progress.counts.total(), progress.counts);
///     progress.cursor.as_ref().map(|cursor| cursor.to_string())
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ImportProgress<I: ImportedId = UserId> {
    /// The counts since the import was started or resumed.
    pub counts: ImportCounts,
    /// The cursor to store: a later import [resumes](crate::sync::Import::resume_from) after it. `None` before the
    /// first page.
    pub cursor: Option<ImportCursor>,
    /// The users, organizations or memberships that this step could not write, with the reasons.
    pub not_imported: Vec<(I, NotImported)>,
}

/// The number of users, organizations or memberships that an import processed, by outcome.
///
/// ```
/// use clerk_auth::sync::ImportCounts;
///
/// let mut counts = ImportCounts::default(); // the result of `users.import(&api).run().await?`
/// (counts.inserted, counts.unchanged) = (3, 997);
/// assert_eq!(counts.total(), 1_000);
/// assert_eq!(counts.to_string(), "3 inserted, 0 updated, 997 unchanged, 0 skipped, 0 conflicted, 0 deleted");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct ImportCounts {
    /// They were inserted.
    pub inserted: u64,
    /// An existing row was linked to them, by the key of `link`.
    pub linked: u64,
    /// Their row was older than Clerk's answer, and different.
    pub updated: u64,
    /// Their row was correct, or newer.
    pub unchanged: u64,
    /// They could not be imported; see [`NotImported`].
    pub skipped: u64,
    /// A unique index of the application refuses their row, or the row with their key belongs to another user.
    pub conflicted: u64,
    /// Their row is now marked as deleted, because Clerk no longer has them.
    pub deleted: u64,
    /// True if the instance has no organizations, that is, Clerk answers 403 or 404. Then nothing is imported or
    /// deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub organizations_disabled: bool,
}

/// The reason why a user, an organization or a membership was not imported.
///
/// ```
/// use clerk_auth::sync::NotImported;
///
/// /// Returns whether the problem needs an operator.
/// fn is_work(reason: &NotImported) -> bool {
///     match reason {
///         NotImported::Deleted => false,     // `users.delete` was called before the deletion at Clerk
///         NotImported::OnInsert(_) => false, // the user's next request tries again
///         _ => true,
///     }
/// }
///
/// let reason = NotImported::Conflict(vec!["email"]);
/// assert!(is_work(&reason));
/// assert_eq!(reason.to_string(), "another row holds the value of email");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotImported {
    /// The object is not a user: its `id` (then empty) or `updated_at` is missing or unreadable.
    #[error("Clerk's answer is not a user object: its `id` or `updated_at` is missing or unreadable")]
    NotAUser,
    /// The object is not an organization: its `id` (then empty) or `updated_at` is missing or unreadable.
    #[error(
        "Clerk's answer is not an organization object: its `id` or `updated_at` is missing or unreadable"
    )]
    NotAnOrganization,
    /// The object is not a membership: the id of its user or organization (then empty) or `updated_at` is missing or
    /// unreadable.
    #[error(
        "Clerk's answer is not a membership object: `public_user_data.user_id`, `organization.id` or `updated_at` is missing \
         or unreadable"
    )]
    NotAMembership,
    /// The membership's user or organization has no row.
    #[error(
        "the membership's user or organization has no row: import users and organizations before memberships"
    )]
    ReferenceMissing,
    /// The struct cannot hold the data, for example a user without an e-mail address where the field is
    /// `#[claim(required)]`.
    #[error("{0}")]
    Claims(UnreadableClaims),
    /// The row is marked as deleted, and stays deleted; a membership has ended since Clerk last changed it.
    #[error("the row is marked as deleted")]
    Deleted,
    /// The application's `on_insert` failed; the user's next request or the next import tries again.
    #[error("the application's `on_insert` failed: {0}")]
    OnInsert(BoxError),
    /// The row with the user's key is linked to this other user; `None` for a row that is marked as deleted.
    #[error("the row with the user's key is linked to another user or deleted")]
    LinkConflict(Option<UserId>),
    /// The application's `on_link` failed; the user's next request or the next import tries again.
    #[error("the application's `on_link` failed: {0}")]
    OnLink(BoxError),
    /// A unique index of the application refuses the values of these columns, because another row has them.
    #[error("another row holds the value of {}", .0.join(", "))]
    Conflict(Vec<&'static str>),
    /// The database refuses the data because of a constraint, a trigger, a length or an encoding. The members contain
    /// no value.
    #[error("the database refuses the data{}", reason(.code.as_deref(), .constraint.as_deref()))]
    Refused {
        /// The SQLSTATE of PostgreSQL, or the result code of SQLite; `None` if the value could not be sent.
        code: Option<Box<str>>,
        /// The constraint, if the database names one.
        constraint: Option<Box<str>>,
    },
    /// The database stored no row: a `BEFORE` trigger of the table returned null.
    #[error("the database stored no row: a trigger of the table skips it")]
    NotStored,
    /// The application's code panicked over the data: `FromClaim`, `Encode` or another trait of a field's type, or `on_insert`.
    #[error("the application's code panicked")]
    Panicked,
    /// The table holds a row that cannot be read as the struct.
    #[error("the row cannot be read as the struct")]
    UnreadableRow,
}

impl NotImported {
    /// Describes the database's error without its text, which contains values.
    pub(crate) fn refused(error: &sqlx::Error) -> Self {
        let names = details(error);
        Self::Refused {
            code: names.code,
            constraint: names.constraint,
        }
    }
}

fn reason(code: Option<&str>, constraint: Option<&str>) -> String {
    match (code, constraint) {
        (Some(code), Some(constraint)) => format!(" (constraint `{constraint}`, {code})"),
        (Some(code), None) => format!(" ({code})"),
        (None, _) => String::new(),
    }
}

impl ImportCounts {
    /// Returns the sum of all counts.
    pub fn total(&self) -> u64 {
        self.by_outcome().iter().map(|(_, count)| count).sum()
    }

    pub(super) fn by_outcome(&self) -> [(&'static str, u64); 7] {
        [
            ("inserted", self.inserted),
            ("linked", self.linked),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("skipped", self.skipped),
            ("conflicted", self.conflicted),
            ("deleted", self.deleted),
        ]
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.linked += other.linked;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.conflicted += other.conflicted;
        self.deleted += other.deleted;
        self.organizations_disabled |= other.organizations_disabled;
    }
}

impl fmt::Display for ImportCounts {
    /// Writes `3 inserted, 0 updated, …`; linked users only if there are any.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.organizations_disabled {
            formatter.write_str("organizations are switched off at Clerk: ")?;
        }
        let outcomes = self.by_outcome().into_iter();
        let outcomes = outcomes.filter(|(outcome, count)| *count > 0 || *outcome != "linked");
        for (place, (outcome, count)) in outcomes.enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(formatter, "{separator}{count} {outcome}")?;
        }
        Ok(())
    }
}
