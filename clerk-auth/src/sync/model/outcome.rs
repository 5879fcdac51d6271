//! The outcomes of sync: for a request, for a deletion, for a delivery.

use super::observation::Observation;
use super::row::Winner;
use super::version::Version;
use crate::row::SyncedRow;

/// The outcome of sync for a request.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// # #[derive(Clone, clerk_auth::SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # struct User { clerk_id: String }
/// use axum::response::Redirect;
/// use clerk_auth::sync::SyncOutcome;
/// use clerk_auth::{Synced, authenticated};
///
/// #[authenticated]
/// async fn after_sign_in(synced: Synced<User>) -> Redirect {
///     match synced.outcome {
///         SyncOutcome::Inserted => Redirect::to("/welcome"),
///         _ => Redirect::to("/home"),
///     }
/// }
/// # }
/// ```
///
/// If first requests run concurrently, only one reports `Inserted`; if a webhook created the row, none does. Work to be
/// done once per user belongs in [`on_insert`](crate::sync::UserSyncBuilder::on_insert).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SyncOutcome {
    /// The row was created by this request.
    Inserted,
    /// This request linked an existing row, found by the key of `link`, to the user. A user is linked at most once.
    Linked,
    /// A claim had changed, and this request updated the row.
    Updated,
    /// The row already matched the claims, or is newer.
    Unchanged,
    /// Like `Unchanged`, for a cached row; no statement was run.
    Cached,
}

impl SyncOutcome {
    /// Returns one lower-case word, for example for a response header: `inserted`, `linked`, `updated`, `unchanged`,
    /// `cached`.
    ///
    /// ```
    /// use clerk_auth::sync::SyncOutcome;
    ///
    /// assert_eq!(SyncOutcome::Inserted.as_str(), "inserted");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Linked => "linked",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Cached => "cached",
        }
    }
}

/// A row, and the outcome of sync.
///
/// A handler under `#[authenticated]` can take a `Synced`, and a test can create one:
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// # #[derive(Clone, clerk_auth::SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # pub struct User { pub clerk_id: String }
/// use clerk_auth::sync::SyncOutcome;
/// use clerk_auth::{Synced, authenticated};
///
/// #[authenticated]
/// async fn me(synced: Synced<User>) -> String {
///     format!("{} ({})", synced.user.clerk_id, synced.outcome.as_str())
/// }
///
/// // #[tokio::test]
/// # pub
/// async fn the_outcome_is_told() {
///     let user = User { clerk_id: "user_ada".to_owned() };
///     assert_eq!(me(Synced { user, outcome: SyncOutcome::Cached }.into()).await, "user_ada (cached)");
/// }
/// # }
/// # #[cfg(feature = "sqlite")]
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example::the_outcome_is_told());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Synced<U> {
    /// The row.
    pub user: U,
    /// The outcome of sync.
    pub outcome: SyncOutcome,
}

/// The outcome of deleting a user.
///
/// ```
/// use clerk_auth::id::UserId;
/// use clerk_auth::sync::{Deletion, SyncError};
/// use clerk_auth::{SyncedUser, UserSync};
///
/// async fn close_account<U: SyncedUser>(users: &UserSync<U>, user_id: &UserId) -> Result<(), SyncError> {
///     match users.delete(user_id).await? {
///         Deletion::Deleted => println!("{user_id} is deleted"),
///         Deletion::AlreadyDeleted => println!("{user_id} had been deleted before"),
///         other => println!("{user_id}: {other:?}"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Deletion {
    /// The user had a row, and was deleted.
    Deleted,
    /// The user had been deleted before.
    AlreadyDeleted,
    /// The user had no row. The user's tokens are refused nevertheless. With `tombstones` the deletion is recorded
    /// permanently, otherwise for the [denial lifetime](crate::clerk::ClerkBuilder::denial_lifetime), which no token
    /// outlives.
    NoRow,
}

/// The effect of a delivery on a row.
pub(crate) enum Change<'a, U: SyncedRow> {
    /// The delivery does not concern a row of this table, or its user cannot have a row.
    Nothing,
    /// The delivery contains the user's claims.
    Write(&'a Observation<'a, U>),
    /// The user was deleted.
    Delete(&'a str),
    /// The membership ended; contains its last claims.
    End(&'a Observation<'a, U>),
    /// The struct or the database refuses the user's claims.
    Refuse,
}

impl<U: SyncedRow> Clone for Change<'_, U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<U: SyncedRow> Copy for Change<'_, U> {}

/// The outcome of a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Applied {
    /// The delivery did not concern a row of this table.
    Nothing,
    /// The row was created.
    Inserted,
    /// The row was linked to the user.
    Linked,
    /// The row was changed.
    Updated,
    /// The row already matched.
    Unchanged,
    /// The row is newer.
    Stale,
    /// The row was deleted.
    Deleted,
    /// The user had been deleted.
    UserDeleted,
    /// The struct or the database refuses the user's claims, so the row is unchanged.
    Refused,
}

impl Applied {
    /// Returns the outcome of writing a version, according to the row that won. `is_changed` is false if a trigger
    /// prevented the change.
    pub(crate) fn of_write(won: Winner, version: Version, is_changed: bool) -> Self {
        match won {
            Winner { deleted: true, .. } => Self::UserDeleted,
            Winner { linked: true, .. } => Self::Linked,
            Winner { inserted: true, .. } => Self::Inserted,
            // Newer claims were written between the read and the upsert, which therefore changed nothing.
            Winner { version: newer, .. } if newer > version => Self::Stale,
            _ if is_changed => Self::Updated,
            _ => Self::Unchanged,
        }
    }

    /// Returns the outcome for a request; `None` if the user was deleted, or nothing had to be written.
    pub(crate) const fn for_request(self) -> Option<SyncOutcome> {
        match self {
            Self::Inserted => Some(SyncOutcome::Inserted),
            Self::Linked => Some(SyncOutcome::Linked),
            Self::Updated => Some(SyncOutcome::Updated),
            Self::Unchanged | Self::Stale => Some(SyncOutcome::Unchanged),
            Self::Nothing | Self::Deleted | Self::UserDeleted | Self::Refused => None,
        }
    }

    /// Returns the outcome of a delivery whose row took more than one transaction.
    pub(crate) const fn of_request(outcome: SyncOutcome) -> Self {
        match outcome {
            SyncOutcome::Inserted => Self::Inserted,
            SyncOutcome::Linked => Self::Linked,
            SyncOutcome::Updated => Self::Updated,
            // The row needs no write, because newer claims were written meanwhile.
            SyncOutcome::Unchanged | SyncOutcome::Cached => Self::Stale,
        }
    }

    /// Returns one lower-case word, for the label of a metric.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Inserted => "inserted",
            Self::Linked => "linked",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::Deleted => "deleted",
            Self::UserDeleted => "gone",
            Self::Refused => "refused",
        }
    }
}
