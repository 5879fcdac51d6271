//! Logs changes of users' rows: insertions, links and deletions at `info`, updates at `debug`. Log lines never contain a
//! value.

use crate::row::SyncedRow;
use crate::sync::model::outcome::{Applied, Deletion, SyncOutcome};

/// The cause of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Request,
    Webhook,
    #[cfg(feature = "backend-api")]
    Import,
    #[cfg(feature = "backend-api")]
    Link,
    Application,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Webhook => "webhook",
            #[cfg(feature = "backend-api")]
            Self::Import => "import",
            #[cfg(feature = "backend-api")]
            Self::Link => "link",
            Self::Application => "application",
        }
    }
}

pub(crate) fn synced<U: SyncedRow>(user_id: &str, outcome: SyncOutcome, source: Source) {
    match outcome {
        SyncOutcome::Inserted => inserted::<U>(user_id, source),
        SyncOutcome::Linked => linked::<U>(user_id, source),
        SyncOutcome::Updated => updated::<U>(user_id, source),
        SyncOutcome::Unchanged | SyncOutcome::Cached => {}
    }
}

pub(crate) fn applied<U: SyncedRow>(user_id: &str, applied: Applied, source: Source) {
    match applied {
        Applied::Inserted => inserted::<U>(user_id, source),
        Applied::Linked => linked::<U>(user_id, source),
        Applied::Updated => updated::<U>(user_id, source),
        Applied::Deleted => deleted::<U>(user_id, Deletion::Deleted, source),
        Applied::Nothing | Applied::Unchanged | Applied::Stale | Applied::UserDeleted | Applied::Refused => {}
    }
}

pub(crate) fn deleted<U: SyncedRow>(user_id: &str, deletion: Deletion, source: Source) {
    if deletion == Deletion::Deleted {
        let source = source.as_str();
        tracing::info!(
            users_table = U::TABLE,
            user_id,
            source,
            "deleted a user, whose tokens are refused from now on"
        );
    }
}

fn inserted<U: SyncedRow>(user_id: &str, source: Source) {
    // An import inserts thousands, and reports their number.
    #[cfg(feature = "backend-api")]
    if matches!(source, Source::Import) {
        let source = source.as_str();
        tracing::debug!(users_table = U::TABLE, user_id, source, "inserted a user's row");
        return;
    }
    let source = source.as_str();
    tracing::info!(users_table = U::TABLE, user_id, source, "inserted a user's row");
}

fn linked<U: SyncedRow>(user_id: &str, source: Source) {
    tracing::info!(
        users_table = U::TABLE,
        user_id,
        source = source.as_str(),
        "linked a row of the application's own to a user"
    );
}

fn updated<U: SyncedRow>(user_id: &str, source: Source) {
    tracing::debug!(
        users_table = U::TABLE,
        user_id,
        source = source.as_str(),
        "updated a user's row"
    );
}
