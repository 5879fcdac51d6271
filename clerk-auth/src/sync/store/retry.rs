//! Repeats failed work if a newly prepared statement, another connection or a later attempt can succeed. Failed work
//! has no effect, so it can be repeated.
//!
//! | kind of error | repeated |
//! |---|---|
//! | a stale statement | at once; the connection drops its statements, so that each connection fails at most once |
//! | a lost connection | at once, twice |
//! | a lost race, an unavailable lock | after a growing, random pause, 30 times |
//! | any other | not at all |
//!
//! The timeout of the waiting request, delivery or import bounds all repetitions.

use std::future::Future;
use std::time::Duration;

use sqlx::Connection as _;
use tokio::time::sleep;

use super::dialect::Dialect;
use super::error::BoxError;
use super::error::WriteError;
use super::sqlstate::{self, ErrorKind};
use crate::sync::random;

/// The maximum number of repetitions after a lost connection. Low, because the statement itself may crash the server.
const MAX_LOST: u32 = 2;

/// The maximum number of repetitions after a race.
const MAX_RACES: u32 = 30;

/// The longest pause after the first race; doubled after each further race.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// The longest pause after any race.
const MAX_PAUSE: Duration = Duration::from_millis(64);

/// An error that may come from the database.
pub(crate) trait Failed {
    /// Returns the kind of the database error, if any.
    fn kind(&self) -> Option<ErrorKind>;
}

impl Failed for sqlx::Error {
    fn kind(&self) -> Option<ErrorKind> {
        Some(sqlstate::kind(self))
    }
}

impl Failed for WriteError {
    fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Database(error) => error.kind(),
            // A hook runs in the transaction, so a database error in it is a reason to repeat the whole transaction.
            Self::OnInsert(error) | Self::OnLink(error) | Self::OnDelete(error) => of_hook(error),
            Self::OnEvent(error) => of_hook(error),
            Self::UniqueViolation(_)
            | Self::UserDeleted
            | Self::LinkConflict(_)
            | Self::ReferenceMissing
            | Self::InvalidKey(_) => None,
        }
    }
}

fn of_hook(error: &BoxError) -> Option<ErrorKind> {
    let mut error: &(dyn std::error::Error + 'static) = &**error;
    loop {
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            return error.kind();
        }
        error = error.source()?;
    }
}

/// The number of repetitions of the work, by reason.
#[derive(Debug)]
struct Repeats {
    stale: u32,
    most_stale: u32,
    lost: u32,
    races: u32,
}

impl Repeats {
    /// Returns the pause before the work is repeated; `None` if it is not repeated.
    fn pause(&mut self, kind: ErrorKind) -> Option<Duration> {
        let (count, most) = match kind {
            ErrorKind::StaleStatement => (&mut self.stale, self.most_stale),
            ErrorKind::LostConnection => (&mut self.lost, MAX_LOST),
            ErrorKind::Race => (&mut self.races, MAX_RACES),
            _ => return None,
        };
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(match kind {
            ErrorKind::Race => random::part_of(longest_pause(*count)),
            _ => Duration::ZERO,
        })
    }
}

/// Returns the longest pause after this many races.
fn longest_pause(races: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << races.min(16).saturating_sub(1))
        .min(MAX_PAUSE)
}

/// Runs work, and repeats it if a retry can succeed. `connections` is the number of the pool's connections that may be
/// stale.
pub(super) async fn repeated<T, E, F>(connections: u32, mut work: impl FnMut() -> F) -> Result<T, E>
where
    E: Failed,
    F: Future<Output = Result<T, E>>,
{
    let mut repeats = Repeats {
        stale: 0,
        most_stale: connections.saturating_add(1),
        lost: 0,
        races: 0,
    };
    loop {
        let error = match work().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some((kind, pause)) = error.kind().and_then(|kind| Some((kind, repeats.pause(kind)?))) else {
            return Err(error);
        };
        tracing::debug!(?kind, "repeating what the database did not do");
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}

/// Returns whether work that failed with this error is worth repeating.
pub(super) fn may_be_repeated(error: &impl Failed) -> bool {
    matches!(
        error.kind(),
        Some(ErrorKind::StaleStatement | ErrorKind::LostConnection | ErrorKind::Race)
    )
}

/// Returns the result of work on a connection. If a statement was stale, drops all statements of the connection, even
/// inside the failed transaction.
///
/// A pooler that keeps prepared statements would reuse the stale one, because the text is the same. After a session has
/// dropped its statements, the pooler forgets them too.
pub(crate) async fn forget_if_stale<DB, T, E>(
    connection: &mut DB::Connection,
    ended: Result<T, E>,
) -> Result<T, E>
where
    DB: Dialect,
    E: Failed,
{
    if let Err(error) = &ended
        && error.kind() == Some(ErrorKind::StaleStatement)
    {
        // If this fails, the connection is lost, and its next use fails.
        drop(connection.clear_cached_statements().await);
        if let Some([outside, inside]) = DB::DROP_STATEMENTS {
            let sql = if connection.is_in_transaction() {
                inside
            } else {
                outside
            };
            drop(DB::command(connection, sql).await);
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_repeated_as_often_as_its_failure_allows() {
        let stale = || sqlx::Error::Protocol(String::new());
        for (error, expected) in [
            (stale as fn() -> sqlx::Error, 1 + MAX_LOST),
            (|| sqlx::Error::PoolTimedOut, 1),
            (|| sqlx::Error::RowNotFound, 1),
        ] {
            let mut done = 0;
            let result: Result<(), _> = repeated(3, || {
                done += 1;
                async { Err(error()) }
            })
            .await;
            assert!(result.is_err());
            assert_eq!(done, expected, "{}", error());
        }
    }

    fn repeats() -> Repeats {
        Repeats {
            stale: 0,
            most_stale: 4,
            lost: 0,
            races: 0,
        }
    }

    #[test]
    fn repeats_are_bounded_by_reason() {
        let mut repeats = repeats();
        for (kind, most) in [
            (ErrorKind::StaleStatement, 4),
            (ErrorKind::LostConnection, MAX_LOST),
            (ErrorKind::Race, MAX_RACES),
            (ErrorKind::RefusedData, 0),
            (ErrorKind::Outage, 0),
            (ErrorKind::Unknown, 0),
        ] {
            let repeated = (0..100).take_while(|_| repeats.pause(kind).is_some()).count();
            assert_eq!(u32::try_from(repeated), Ok(most), "{kind:?}");
        }
    }

    #[test]
    fn pauses_after_races_differ_and_are_bounded() {
        let pauses: Vec<Duration> = (0..100)
            .filter_map(|_| repeats().pause(ErrorKind::Race))
            .collect();
        assert!(pauses.iter().all(|pause| *pause < FIRST_PAUSE));
        assert!(pauses.windows(2).filter(|two| two[0] != two[1]).count() > 50);
        assert_eq!(
            [1, 2, 5].map(longest_pause),
            [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 16]
        );
        assert_eq!([6, 30, u32::MAX].map(longest_pause), [MAX_PAUSE; 3]);
    }

    #[test]
    fn error_of_the_database_is_found_in_that_of_a_hook() {
        #[derive(Debug, thiserror::Error)]
        #[error("no cart")]
        struct NoCart(#[source] sqlx::Error);

        for (error, expected) in [
            (
                BoxError::from(sqlx::Error::RowNotFound),
                Some(ErrorKind::RefusedData),
            ),
            (
                NoCart(sqlx::Error::Protocol(String::new())).into(),
                Some(ErrorKind::LostConnection),
            ),
            ("no cart".into(), None),
        ] {
            assert_eq!(WriteError::OnInsert(error).kind(), expected);
        }
    }
}
