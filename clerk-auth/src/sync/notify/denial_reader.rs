//! Keeps the deny list of this process equal to the table of denials.
//!
//! The table is read at start-up and when a notification reports a change, at most ten times a second. While no
//! notifications arrive (a pooler, SQLite, a lost connection), the table is read every second. A denial of another
//! process is then missed for a second at most.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::local::denial_watch::DenialWatch;

/// The interval of reads while no notifications can arrive, or if sessions require a current copy.
const UNHEARD: Duration = Duration::from_secs(1);

/// The interval of reads while notifications can arrive.
const HEARD: Duration = Duration::from_secs(60);

/// The minimum time between two reads, because any client of the database may send notifications.
const PAUSE: Duration = Duration::from_millis(100);

/// The timeout of the database's answer.
const ANSWER: Duration = Duration::from_secs(1);

/// The interval at which expired denials are deleted.
const FORGET: Duration = Duration::from_secs(600);

/// Reads the changes of the table of denials.
pub(crate) async fn read_denials<U: SyncedRow>(engine: &Engine<U>) -> Result<(), sqlx::Error> {
    let now = engine.clerk.now();
    let list = engine.clerk.deny_list();
    let since = engine.denials.read_at.load(Ordering::Acquire);
    let changes = engine.store.read_denials(since, now).await?;
    for (denial, recorded_at) in changes.denials {
        list.record(denial, recorded_at, now);
    }
    engine.denials.read_at.store(changes.read_at, Ordering::Release);
    list.currency().renew();
    Ok(())
}

/// Reads the table as long as the handle lives.
pub(crate) async fn watch<U: SyncedRow>(engine: Weak<Engine<U>>, denials: Arc<DenialWatch>, always: bool) {
    let mut was_read = true;
    let mut forget_at = Instant::now() + FORGET;
    loop {
        let is_heard = denials.is_listening.load(Ordering::Acquire) && was_read && !always;
        // Read after a notification or at the end of the interval.
        drop(timeout(if is_heard { HEARD } else { UNHEARD }, denials.changed.notified()).await);
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let read = timeout(ANSWER, read_denials(&engine)).await;
        let read = read.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        match &read {
            Ok(()) if !was_read => {
                tracing::info!(table = U::TABLE, "the table of denials can be read again");
            }
            Err(error) if was_read => tracing::warn!(
                table = U::TABLE,
                %error,
                "the table of denials cannot be read: users and sessions that other processes have barred since are \
                 accepted here until it can"
            ),
            _ => {}
        }
        was_read = read.is_ok();
        if was_read && Instant::now() >= forget_at {
            forget_at = Instant::now() + FORGET;
            let forgotten = timeout(ANSWER, engine.store.forget_denials(engine.clerk.now())).await;
            if let Ok(Err(error)) = forgotten {
                tracing::warn!(table = U::TABLE, %error, "expired denials cannot be deleted");
            }
        }
        drop(engine);
        sleep(PAUSE).await;
    }
}
