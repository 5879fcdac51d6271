//! Hears what other processes write, so that no copy of a row outlives it, and that they have written denials.
//!
//! PostgreSQL's `LISTEN` belongs to a connection. While there is none that is known to hear, no copy is served, and every
//! request reads its row.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::time::{sleep, timeout};

use crate::sync::engine::Engine;
use crate::sync::model::announcement::{CHANNEL, DENIALS_CHANNEL};
use crate::user::SyncedUser;

/// How often a connection on which nothing is heard is asked whether it is still there: so long a copy may be served
/// after the network has swallowed the connection without a word. No copy is older than its struct allows in any case.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the server has to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How long until the next attempt to listen.
const RETRY: Duration = Duration::from_millis(250);

/// Listens for as long as the handle lives.
pub(crate) async fn listen_always<U: SyncedUser>(
    inner: Weak<Engine<U>>,
    options: PgConnectOptions,
    sender: Arc<str>,
) {
    let mut was_heard = true;
    while inner.strong_count() > 0 {
        let heard = listen(&inner, &options, &sender).await;
        if let Some(inner) = inner.upgrade() {
            inner.row_cache.set_listening(false);
            inner.denials.set_listening(false);
            // Once for each time that it was lost.
            if let (Err(error), true) = (&heard, was_heard) {
                tracing::warn!(
                    users_table = U::TABLE,
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
        sleep(RETRY).await;
    }
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
enum ListenError {
    /// It has never heard.
    #[error("LISTEN failed: {0}")]
    Never(#[source] sqlx::Error),
    /// The connection has no session of its own. `LISTEN` there would stay behind in a session of the pooler's, which
    /// then sends notifications to whoever uses it next; sqlx takes them for a violation of the protocol.
    #[error(
        "a pooler in transaction mode does not carry LISTEN; if it keeps no prepared statements either, say \
         `transaction_pooling(true)` to the builder"
    )]
    Pooled,
    /// A notification of its own did not come back.
    #[error("LISTEN is not heard through this connection")]
    NotDelivered,
    /// It heard, and does no more.
    #[error("the connection was lost: {0}")]
    Lost(#[source] sqlx::Error),
}

/// Hears until the connection is lost or nobody cares any more.
async fn listen<U: SyncedUser>(
    inner: &Weak<Engine<U>>,
    options: &PgConnectOptions,
    sender: &str,
) -> Result<(), ListenError> {
    // A connection of its own: one of the application's would be missing in its pool for ever.
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
    if let Some(inner) = inner.upgrade() {
        inner.row_cache.set_listening(true);
        inner.denials.set_listening(true);
    }
    loop {
        match timeout(HEARTBEAT, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                let Some(inner) = inner.upgrade() else {
                    return Ok(());
                };
                if notification.channel() == DENIALS_CHANNEL {
                    inner.denials.notify();
                    continue;
                }
                let mut words = notification.payload().splitn(3, ' ');
                if let (Some(by), Some(table), Some(written)) = (words.next(), words.next(), words.next())
                    && by != sender
                    && table == U::TABLE
                {
                    inner.row_cache.apply_notification(written);
                }
            }
            Ok(Ok(None)) => return Err(ListenError::Lost(sqlx::Error::PoolClosed)),
            Ok(Err(error)) => return Err(ListenError::Lost(error)),
            Err(_) => {
                if inner.strong_count() == 0 {
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

/// How often another connection looks for what is set in ours: more than the sessions that poolers keep for one database
/// (20 unless said in PgBouncer), which take turns at worst.
const LOOKS: u32 = 50;

/// How long all of that may take, on a database in another region too.
const LOOKING: Duration = Duration::from_secs(10);

/// A setting stays in its session, and is seen by nobody else, unless a pooler hands the session on or clears it.
async fn check_session_affinity(
    listener: &mut PgListener,
    other: &mut PgConnection,
) -> Result<(), ListenError> {
    const LOOK: &str = "SELECT coalesce(current_setting('clerk_auth.session', true), '')";
    let mark = format!("{:016x}", RandomState::new().hash_one(()));
    // The text is made of hexadecimal digits.
    let set = AssertSqlSafe(format!("SET clerk_auth.session = '{mark}'"));
    // The simple protocol throughout: behind a pooler a prepared statement fails for a reason that says nothing of LISTEN.
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

/// `LISTEN` may succeed and nothing come: only a notification that does proves it.
async fn verify_round_trip(listener: &mut PgListener, mut other: PgConnection) -> Result<(), ListenError> {
    // The process id of the listening server connection is a name that no other listener has.
    let pid: i32 = sqlx::raw_sql("SELECT pg_backend_pid()")
        .fetch_one(&mut *listener)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(ListenError::Never)?;
    let call = format!("{pid} listens");
    // The text is made of a constant and a number.
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
