//! Receives other processes' notifications of written rows and denials, so that no cached row outlives a write.
//!
//! PostgreSQL's `LISTEN` belongs to a connection. Without a verified listening connection, every request reads its row.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::time::{sleep, timeout};

use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::local::receivers::{Receiver, Receivers};
use crate::sync::model::announcement::{CHANNEL, DENIALS_CHANNEL};
use crate::sync::random;

/// The interval of checks on a silent connection. If the network silently drops the connection, outdated copies may be
/// served for this time, but never for longer than the struct allows.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The timeout of the server's answer.
const ANSWER: Duration = Duration::from_secs(1);

/// The pause before the next attempt to listen.
const RETRY: Duration = Duration::from_millis(250);

/// The pause before the first attempt, during which every request reads its row. So a short-lived handle, in a test or
/// a command, opens no further connections.
const DELAY: Duration = Duration::from_millis(200);

/// The connection by which the handles on a pool listen.
pub(crate) struct Listening {
    /// The address of the pool's options.
    pub(crate) pool: usize,
    pub(crate) options: PgConnectOptions,
}

/// Receives notifications as long as the handle lives. Handles on one pool share a connection.
pub(crate) fn subscribe<U: SyncedRow>(engine: &Arc<Engine<U>>, listening: Listening) {
    let receiver: Weak<dyn Receiver> = Arc::<Engine<U>>::downgrade(engine);
    let Listening { pool, options } = listening;
    let listen = |receivers| listen_always(receivers, options);
    let receivers = Receivers::subscribe(pool, receiver, engine.store.close_event(), listen);
    engine.receivers.get_or_init(|| receivers);
}

impl<U: SyncedRow> Receiver for Engine<U> {
    fn table(&self) -> &'static str {
        U::TABLE
    }

    fn set_listening(&self, is_listening: bool) {
        self.row_cache.set_listening(is_listening);
        self.denials.set_listening(is_listening);
    }

    fn receive(&self, channel: &str, payload: &str) {
        if channel == DENIALS_CHANNEL {
            return self.denials.notify();
        }
        let mut words = payload.splitn(3, ' ');
        if let (Some(sender), Some(table), Some(written)) = (words.next(), words.next(), words.next())
            && table == U::TABLE
        {
            self.row_cache.apply_notification(sender, written);
        }
    }
}

/// Listens as long as a handle lives.
async fn listen_always(receivers: Weak<Receivers>, options: PgConnectOptions) {
    sleep(DELAY).await;
    let mut was_heard = true;
    while receivers.strong_count() > 0 {
        let heard = listen(&receivers, &options).await;
        if let Some(receivers) = receivers.upgrade() {
            receivers.set_listening(false);
            // Logged once per loss of the connection.
            if let (Err(error), true) = (&heard, was_heard) {
                tracing::warn!(
                    tables = receivers.tables(),
                    %error,
                    "LISTEN is down: until it is back every request reads its row, and the denials of other processes are \
                     read once a second"
                );
            }
        }
        if matches!(heard, Err(ListenError::Pooled)) {
            return;
        }
        was_heard = matches!(heard, Err(ListenError::Lost(_)));
        // The processes of an application lose their connections together.
        sleep(RETRY / 2 + random::part_of(RETRY)).await;
    }
}

/// The reason why no notifications arrive.
#[derive(Debug, thiserror::Error)]
enum ListenError {
    /// The connection has never listened.
    #[error("LISTEN failed: {0}")]
    Never(sqlx::Error),
    /// The connection has no server session of its own. `LISTEN` would remain in a session of the pooler, whose next
    /// client would get the notifications. sqlx treats them as a protocol violation.
    #[error(
        "a pooler in transaction mode does not carry LISTEN; if it keeps no prepared statements either, call \
         `transaction_pooling()` on the builder"
    )]
    Pooled,
    /// The listener's own test notification did not come back.
    #[error("the listener's own notification did not arrive")]
    NotDelivered,
    /// The connection listened, and was lost.
    #[error("the connection was lost: {0}")]
    Lost(sqlx::Error),
}

/// Receives notifications until the connection is lost or the last handle is dropped.
async fn listen(receivers: &Weak<Receivers>, options: &PgConnectOptions) -> Result<(), ListenError> {
    // Uses a separate connection, because the application's pool would lose one permanently.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ANSWER)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool)
        .await
        .map_err(ListenError::Never)?;
    listener.eager_reconnect(false);
    let other = timeout(ANSWER, PgConnection::connect_with(options)).await;
    let mut other = other
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(ListenError::Never)?;
    let session = timeout(LOOKING, check_session_affinity(&mut listener, &mut other)).await;
    session.unwrap_or(Err(ListenError::Never(sqlx::Error::PoolTimedOut)))?;
    listener.listen(CHANNEL).await.map_err(ListenError::Never)?;
    listener
        .listen(DENIALS_CHANNEL)
        .await
        .map_err(ListenError::Never)?;
    verify_round_trip(&mut listener, other).await?;
    if let Some(receivers) = receivers.upgrade() {
        receivers.set_listening(true);
    }
    loop {
        match timeout(HEARTBEAT, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                let Some(receivers) = receivers.upgrade() else {
                    return Ok(());
                };
                receivers.receive(notification.channel(), notification.payload());
            }
            Ok(Ok(None)) => return Err(ListenError::Lost(sqlx::Error::PoolClosed)),
            Ok(Err(error)) => return Err(ListenError::Lost(error)),
            Err(_) => {
                if receivers.strong_count() == 0 {
                    return Ok(());
                }
                let answer = timeout(ANSWER, sqlx::raw_sql("SELECT 1").execute(&mut listener)).await;
                answer
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map_err(ListenError::Lost)?;
            }
        }
    }
}

/// The number of times that another connection reads the setting: more than a pooler's sessions for one database. The
/// pooler may use these sessions in turn, and PgBouncer has 20 by default.
const LOOKS: u32 = 50;

/// The timeout of the whole check, sufficient for a database in another region.
const LOOKING: Duration = Duration::from_secs(10);

/// Verifies that a setting stays in its session and is not visible in others. A pooler passes sessions on, or clears
/// them.
async fn check_session_affinity(
    listener: &mut PgListener,
    other: &mut PgConnection,
) -> Result<(), ListenError> {
    const LOOK: &str = "SELECT coalesce(current_setting('clerk_auth.session', true), '')";
    let mark = random::mark();
    // Safe: the mark consists of hexadecimal digits.
    let set = AssertSqlSafe(format!("SET clerk_auth.session = '{mark}'"));
    // Uses the simple protocol throughout: behind a pooler a prepared statement fails for a reason unrelated to LISTEN.
    sqlx::raw_sql(set)
        .execute(&mut *listener)
        .await
        .map_err(ListenError::Never)?;
    for _ in 0..LOOKS {
        let seen = sqlx::raw_sql(LOOK).fetch_one(&mut *other).await;
        let seen: String = seen.and_then(|row| row.try_get(0)).map_err(ListenError::Never)?;
        if seen == mark {
            return Err(ListenError::Pooled);
        }
    }
    let own = sqlx::raw_sql(LOOK).fetch_one(listener).await;
    let own: String = own.and_then(|row| row.try_get(0)).map_err(ListenError::Never)?;
    if own == mark {
        Ok(())
    } else {
        Err(ListenError::Pooled)
    }
}

/// Verifies that a notification arrives, because `LISTEN` may succeed without any.
async fn verify_round_trip(listener: &mut PgListener, mut other: PgConnection) -> Result<(), ListenError> {
    // The process id of the server connection is unique among listeners.
    let pid: i32 = sqlx::raw_sql("SELECT pg_backend_pid()")
        .fetch_one(&mut *listener)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(ListenError::Never)?;
    let call = format!("{pid} listens");
    // Safe: the text consists of a constant and a number.
    let notify = AssertSqlSafe(format!("NOTIFY {CHANNEL}, '{call}'"));
    let sent = timeout(ANSWER, sqlx::raw_sql(notify).execute(&mut other)).await;
    sent.unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(ListenError::Never)?;
    drop(other);
    let heard = async {
        loop {
            match listener.try_recv().await {
                Ok(Some(notification)) if notification.payload() == call => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) => return Err(ListenError::Lost(sqlx::Error::PoolClosed)),
                Err(error) => return Err(ListenError::Lost(error)),
            }
        }
    };
    timeout(ANSWER, heard)
        .await
        .unwrap_or(Err(ListenError::NotDelivered))
}
