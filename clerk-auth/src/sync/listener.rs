//! Hears what other processes write, so that no copy of a row outlives it, and whom they refuse.
//!
//! PostgreSQL's `LISTEN` belongs to a connection. While there is none that is known to hear, no copy is served, and every
//! request reads its row.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use super::dialect::CHANNEL;
#[cfg(feature = "webhooks")]
use super::dialect::DENIED_CHANNEL;
#[cfg(feature = "webhooks")]
use super::notice::Notice;
use super::user_sync::Inner;
use crate::user::SyncedUser;

/// How often a connection on which nothing is heard is asked whether it is still there: so long a copy may be served
/// after the network has swallowed the connection without a word. No copy is older than its struct allows in any case.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the server has to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How long until the next attempt to listen.
const RETRY: Duration = Duration::from_millis(250);

/// Listens for as long as the handle lives.
pub(super) fn start<U: SyncedUser>(inner: &Arc<Inner<U>>, options: PgConnectOptions, sender: Arc<str>) {
    let inner = Arc::downgrade(inner);
    tokio::spawn(async move {
        let mut was_heard = true;
        while inner.strong_count() > 0 {
            let heard = listen(&inner, &options, &sender).await;
            if let Some(inner) = inner.upgrade() {
                inner.fresh.set_hears_writes(false);
                // Once for each time that it was lost.
                if let (Err(error), true) = (&heard, was_heard) {
                    tracing::warn!(
                        user = U::NAME,
                        %error,
                        "other processes are not heard: every request reads its row, and who is refused there may not \
                         be here, until they are"
                    );
                }
            }
            was_heard = matches!(heard, Err(Deaf::Lost(_)));
            sleep(RETRY).await;
        }
    });
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
enum Deaf {
    /// It has never heard.
    #[error("LISTEN failed: {0}")]
    Never(#[source] sqlx::Error),
    /// A notification of its own did not come back.
    #[error("LISTEN is not heard through this connection; a pooler in transaction mode does not carry it")]
    Swallowed,
    /// It heard, and does no more.
    #[error("the connection was lost: {0}")]
    Lost(#[source] sqlx::Error),
}

/// Hears until the connection is lost or nobody cares any more.
async fn listen<U: SyncedUser>(
    inner: &Weak<Inner<U>>,
    options: &PgConnectOptions,
    sender: &str,
) -> Result<(), Deaf> {
    // A connection of its own: one of the application's would be missing in its pool for ever.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ANSWER)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await.map_err(Deaf::Never)?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await.map_err(Deaf::Never)?;
    #[cfg(feature = "webhooks")]
    listener.listen(DENIED_CHANNEL).await.map_err(Deaf::Never)?;
    hear_oneself(&mut listener, options).await?;
    if let Some(inner) = inner.upgrade() {
        inner.fresh.set_hears_writes(true);
    }
    loop {
        match timeout(HEARTBEAT, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                let Some(inner) = inner.upgrade() else {
                    return Ok(());
                };
                #[cfg(feature = "webhooks")]
                if notification.channel() == DENIED_CHANNEL {
                    if let Some(notice) = Notice::parse(notification.payload()) {
                        notice.take(&inner.clerk);
                    }
                    continue;
                }
                let mut words = notification.payload().splitn(3, ' ');
                if let (Some(by), Some(table), Some(written)) = (words.next(), words.next(), words.next())
                    && by != sender
                    && table == U::TABLE
                {
                    inner.fresh.hear(written);
                }
            }
            Ok(Ok(None)) => return Err(Deaf::Lost(sqlx::Error::PoolClosed)),
            Ok(Err(error)) => return Err(Deaf::Lost(error)),
            Err(_) => {
                if inner.strong_count() == 0 {
                    return Ok(());
                }
                let answer = timeout(ANSWER, sqlx::query("SELECT 1").execute(&mut listener)).await;
                answer
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map_err(Deaf::Lost)?;
            }
        }
    }
}

/// Behind a pooler in transaction mode `LISTEN` succeeds and nothing comes: only a notification that does proves it.
async fn hear_oneself(listener: &mut PgListener, options: &PgConnectOptions) -> Result<(), Deaf> {
    // The process id of the listening server connection is a name that no other listener has.
    let (pid,): (i32,) = sqlx::query_as("SELECT pg_backend_pid()")
        .fetch_one(&mut *listener)
        .await
        .map_err(Deaf::Never)?;
    let call = format!("{pid} listens");
    let sender = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ANSWER)
        .connect_lazy_with(options.clone());
    let sent = sqlx::query("SELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(&call)
        .execute(&sender)
        .await;
    sender.close().await;
    sent.map_err(Deaf::Never)?;
    let heard = async {
        loop {
            match listener.try_recv().await {
                Ok(Some(notification)) if notification.payload() == call => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) => return Err(Deaf::Lost(sqlx::Error::PoolClosed)),
                Err(error) => return Err(Deaf::Lost(error)),
            }
        }
    };
    timeout(ANSWER, heard).await.unwrap_or(Err(Deaf::Swallowed))
}
