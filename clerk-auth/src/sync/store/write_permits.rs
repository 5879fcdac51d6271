//! Limits the connections of a pool on which writes wait for locks of other transactions, so that other work gets the
//! rest.
//!
//! | write | connections | waits for a lock |
//! |---|---|---|
//! | of any row | half of the pool | as long as the server allows |
//! | of any row, while all of those wait for locks | a quarter | 10 ms |
//! | of a row that is known to be locked, see [`Stuck`](super::stuck::Stuck) | a quarter | 100 ms |
//!
//! On SQLite, a lock covers the whole file, so that all writes are of the first kind.
//!
//! A request that gives up abandons its write, which continues to wait in the server. Its permit is returned when the
//! server has answered, see [`WriteConnection`](super::write_connection::WriteConnection).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::dialect::Dialect;
use crate::sync::shared::Shared;

/// If no patient write ends within this time, all of them are considered to wait for locks.
const STANDSTILL: Duration = Duration::from_millis(100);

/// The permits of the pools of this process, by the address of the options, which clones of a pool share.
static POOLS: Shared<usize, WritePermits> = Shared::new();

/// The permits for the writes of all tables on one pool.
pub(crate) struct WritePermits {
    locks_rows: bool,
    patient: Arc<Semaphore>,
    brief: Arc<Semaphore>,
    stuck: Arc<Semaphore>,
    ended: Arc<AtomicUsize>,
    /// The number of ended writes at which no further one ended.
    standstill: AtomicUsize,
}

/// The time for which a write waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as the server allows.
    Patient,
    /// 10 ms.
    Brief,
    /// 100 ms, because the row is known to be locked.
    Stuck,
}

/// The permit of one write; returned on drop.
pub(crate) struct WritePermit {
    patience: Patience,
    ended: Arc<AtomicUsize>,
    _permit: OwnedSemaphorePermit,
}

impl WritePermits {
    /// Returns the permits for a pool with this address and number of connections.
    pub(crate) fn of_pool<DB: Dialect>(address: usize, connections: u32) -> Arc<Self> {
        POOLS.get_or_create(address, || Arc::new(Self::new::<DB>(connections)))
    }

    fn new<DB: Dialect>(connections: u32) -> Self {
        let part = |divisor| {
            let permits = usize::try_from(connections / divisor).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(permits.max(1)))
        };
        Self {
            locks_rows: DB::LOCKS_ROWS,
            patient: part(2),
            brief: part(4),
            stuck: part(4),
            ended: Arc::default(),
            standstill: AtomicUsize::new(usize::MAX),
        }
    }

    /// Returns the permit of a write. Waits until another write ends if necessary. `is_stuck` is true if the row is
    /// known to be locked.
    pub(super) async fn acquire(&self, is_stuck: bool) -> WritePermit {
        if is_stuck && self.locks_rows {
            return self.wait(&self.stuck, Patience::Stuck).await;
        }
        if let Some(permit) = self.try_acquire() {
            return permit;
        }
        if !self.locks_rows {
            return self.wait(&self.patient, Patience::Patient).await;
        }
        let mut patient = pin!(self.wait(&self.patient, Patience::Patient));
        let mut ended = self.ended.load(Ordering::Relaxed);
        while self.standstill.load(Ordering::Relaxed) != ended {
            if let Ok(permit) = timeout(STANDSTILL, patient.as_mut()).await {
                return permit;
            }
            if self.ended.load(Ordering::Relaxed) == ended {
                self.standstill.store(ended, Ordering::Relaxed);
            }
            ended = self.ended.load(Ordering::Relaxed);
        }
        self.wait(&self.brief, Patience::Brief).await
    }

    /// Returns the permit of a patient write; `None` if all are in use.
    pub(super) fn try_acquire(&self) -> Option<WritePermit> {
        let permit = Arc::clone(&self.patient).try_acquire_owned().ok()?;
        Some(self.permit(permit, Patience::Patient))
    }

    async fn wait(&self, semaphore: &Arc<Semaphore>, patience: Patience) -> WritePermit {
        let permit = Arc::clone(semaphore).acquire_owned().await;
        self.permit(permit.expect("the semaphore is never closed"), patience)
    }

    fn permit(&self, permit: OwnedSemaphorePermit, patience: Patience) -> WritePermit {
        WritePermit {
            patience,
            ended: Arc::clone(&self.ended),
            _permit: permit,
        }
    }
}

impl WritePermit {
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }
}

impl Drop for WritePermit {
    fn drop(&mut self) {
        if self.patience == Patience::Patient {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }
}
