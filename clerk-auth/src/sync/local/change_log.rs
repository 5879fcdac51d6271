//! Logs changes of rows: insertions, links and deletions at `info`, updates at `debug`. Log lines never contain a value.

use crate::row::{RowKind, SyncedRow};
use crate::sync::model::logged_row::{LoggedRow, log_row};
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

/// Logs a change of a row of `$row`.
macro_rules! log {
    ($level:ident, $row:ty, $clerk_id:ident, $source:ident, $($message:tt)+) => {{
        let row = LoggedRow::new::<$row>($clerk_id);
        log_row!($level, row, source = $source.as_str(), $($message)+);
    }};
}

pub(crate) fn synced<U: SyncedRow>(clerk_id: &str, outcome: SyncOutcome, source: Source) {
    match outcome {
        SyncOutcome::Inserted => inserted::<U>(clerk_id, source),
        SyncOutcome::Linked => linked::<U>(clerk_id, source),
        SyncOutcome::Updated => updated::<U>(clerk_id, source),
        SyncOutcome::Unchanged | SyncOutcome::Cached => {}
    }
}

pub(crate) fn applied<U: SyncedRow>(clerk_id: &str, applied: Applied, source: Source) {
    match applied {
        Applied::Inserted => inserted::<U>(clerk_id, source),
        Applied::Linked => linked::<U>(clerk_id, source),
        Applied::Updated => updated::<U>(clerk_id, source),
        Applied::Deleted => deleted::<U>(clerk_id, Deletion::Deleted, source),
        Applied::Nothing | Applied::Unchanged | Applied::Stale | Applied::UserDeleted | Applied::Refused => {}
    }
}

pub(crate) fn deleted<U: SyncedRow>(clerk_id: &str, deletion: Deletion, source: Source) {
    if deletion == Deletion::Deleted {
        match U::KIND {
            RowKind::User => log!(
                info,
                U,
                clerk_id,
                source,
                "deleted a user, whose tokens are refused from now on"
            ),
            RowKind::Organization => log!(
                info,
                U,
                clerk_id,
                source,
                "deleted an organization, which no token activates from now on"
            ),
            RowKind::Membership => log!(
                info,
                U,
                clerk_id,
                source,
                "ended a membership, which older tokens do not have from now on"
            ),
        }
    }
}

fn inserted<U: SyncedRow>(clerk_id: &str, source: Source) {
    let row = U::KIND.row();
    // Not for imports, which insert thousands of rows and report their number.
    #[cfg(feature = "backend-api")]
    if matches!(source, Source::Import) {
        log!(debug, U, clerk_id, source, "inserted {row}");
        return;
    }
    log!(info, U, clerk_id, source, "inserted {row}");
}

fn linked<U: SyncedRow>(clerk_id: &str, source: Source) {
    log!(
        info,
        U,
        clerk_id,
        source,
        "linked a row of the application's own to a user"
    );
}

fn updated<U: SyncedRow>(clerk_id: &str, source: Source) {
    let row = U::KIND.row();
    log!(debug, U, clerk_id, source, "updated {row}");
}
