//! Batches reads: a single request reads its row at once, and concurrent requests share statements.
//!
//! A request that arrives while another one reads, or shortly after a shared statement, joins the next batch. A batch
//! begins once the runtime has run all ready tasks and no further request has come, so that simultaneous requests share
//! it. A batch waits for another statement only while all slots are busy. No request gets a row whose read began before
//! the request.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::row::SyncedRow;
use crate::sync::model::row::StoredRow;
use crate::sync::store::interface::{Lookup, Store};
use crate::sync::store::sqlstate::{self, ErrorKind};
use crate::sync::unwind::caught;

/// The maximum number of rows per statement: enough to make its round trip cheap, few enough to answer within
/// milliseconds.
const MAX_ROWS: usize = 500;

/// The maximum number of times that a batch lets the runtime run all ready tasks first.
const MAX_TURNS: u32 = 8;

/// The rows that were read together, each with its own error.
type Rows<U> = HashMap<String, Result<StoredRow<U>, Arc<sqlx::Error>>>;

/// The result of a shared statement.
type Shared<U> = Result<Option<StoredRow<U>>, Arc<sqlx::Error>>;

/// Records whether a request's failure counts as a failure of the database. A failed statement counts once, for one of
/// the requests that share it.
#[derive(Clone, Debug)]
pub(crate) struct CountsAsFailure(Arc<AtomicBool>);

impl Default for CountsAsFailure {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl CountsAsFailure {
    pub(crate) fn is_counted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, is_counted: bool) {
        self.0.store(is_counted, Ordering::Relaxed);
    }
}

/// The reads of one pool.
pub(crate) struct ReadBatcher<U> {
    store: Arc<dyn Store<U>>,
    /// The maximum number of concurrent statements; the rest of the pool belongs to the application.
    permits: usize,
    timeout: Duration,
    queue: Mutex<Queue<U>>,
}

struct Queue<U> {
    running: usize,
    /// True if a task is about to read the waiting rows.
    is_scheduled: bool,
    /// True if several requests shared the last batch. Then the next request waits for simultaneous ones too.
    was_shared: bool,
    in_flight: HashSet<Box<str>>,
    waiting: Vec<Waiting<U>>,
}

/// A request that waits for a shared statement.
struct Waiting<U> {
    clerk_id: Box<str>,
    answer: oneshot::Sender<Shared<U>>,
    counted: CountsAsFailure,
}

enum Place<'a, U: SyncedRow> {
    Permit(ReadPermit<'a, U>),
    Waiting(oneshot::Receiver<Shared<U>>),
}

/// A running read of one row. On drop, the waiting requests are served.
pub(crate) struct ReadPermit<'a, U: SyncedRow> {
    reads: &'a Arc<ReadBatcher<U>>,
    clerk_id: &'a str,
}

/// The slot of a task that serves a batch of waiting requests; freed on drop.
struct Slot<U: SyncedRow> {
    reads: Arc<ReadBatcher<U>>,
    /// True for the task that is about to read.
    is_scheduled: bool,
}

impl<U: SyncedRow> ReadBatcher<U> {
    pub(crate) fn new(store: Arc<dyn Store<U>>, connections: u32, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            store,
            permits: usize::try_from(connections / 2).unwrap_or(usize::MAX).max(1),
            timeout,
            queue: Mutex::new(Queue {
                running: 0,
                is_scheduled: false,
                was_shared: false,
                in_flight: HashSet::new(),
                waiting: Vec::new(),
            }),
        })
    }

    /// Reads the row.
    pub(crate) async fn find<'a>(
        self: &'a Arc<Self>,
        clerk_id: &'a str,
        counted: &CountsAsFailure,
    ) -> Result<Lookup<'a, U>, Arc<sqlx::Error>> {
        match self.place(clerk_id, counted) {
            Place::Permit(_turn) => self.store.find(clerk_id).await.map_err(Arc::new),
            Place::Waiting(answer) => {
                // The sender is dropped if the runtime is shutting down.
                let row = answer
                    .await
                    .unwrap_or_else(|_| Err(Arc::new(sqlx::Error::PoolClosed)))?;
                // Later failures are not shared, so they do not count again.
                counted.set(true);
                Ok(row.map_or(Lookup::Missing(None), Lookup::Found))
            }
        }
    }

    /// Returns a permit to read a single row; `None` while all permits are taken, or the same row is being read.
    pub(crate) fn permit<'a>(self: &'a Arc<Self>, clerk_id: &'a str) -> Option<ReadPermit<'a, U>> {
        self.permit_in(&mut self.queue(), clerk_id)
    }

    fn permit_in<'a>(
        self: &'a Arc<Self>,
        queue: &mut Queue<U>,
        clerk_id: &'a str,
    ) -> Option<ReadPermit<'a, U>> {
        let is_free = queue.running < self.permits && queue.in_flight.insert(clerk_id.into());
        is_free.then(|| {
            queue.running += 1;
            ReadPermit {
                reads: self,
                clerk_id,
            }
        })
    }

    fn place<'a>(self: &'a Arc<Self>, clerk_id: &'a str, counted: &CountsAsFailure) -> Place<'a, U> {
        let mut queue = self.queue();
        if queue.running == 0
            && !queue.was_shared
            && let Some(turn) = self.permit_in(&mut queue, clerk_id)
        {
            return Place::Permit(turn);
        }
        let (answer, receiver) = oneshot::channel();
        queue.waiting.push(Waiting {
            clerk_id: clerk_id.into(),
            answer,
            counted: counted.clone(),
        });
        let slot = self.schedule(&mut queue);
        drop(queue);
        Slot::start(slot);
        Place::Waiting(receiver)
    }

    /// Takes a free slot for a task that serves the waiting requests, unless such a task is about to read. Start the
    /// task outside the lock, because a runtime that is shutting down drops it at once.
    fn schedule(self: &Arc<Self>, queue: &mut Queue<U>) -> Option<Slot<U>> {
        if queue.waiting.is_empty() || queue.is_scheduled || queue.running >= self.permits {
            return None;
        }
        queue.running += 1;
        queue.is_scheduled = true;
        Some(Slot {
            reads: Arc::clone(self),
            is_scheduled: true,
        })
    }

    /// Reads the rows of a batch. If a row cannot be read, or the application's code panics over it, only its user's
    /// request fails.
    async fn read_all(&self, batch: &[Waiting<U>]) -> Result<Rows<U>, sqlx::Error> {
        let mut ids: Vec<&str> = batch.iter().map(|waiting| &*waiting.clerk_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > 1 {
            match caught(self.store.read_many(&ids)).await {
                Ok(Err(error)) if sqlstate::kind(&error) != ErrorKind::UnreadableRow => return Err(error),
                Ok(Err(_)) | Err(_) => {}
                Ok(Ok(rows)) => return Ok(rows.into_iter().map(|(id, row)| (id, Ok(row))).collect()),
            }
        }
        let mut rows = HashMap::with_capacity(ids.len());
        for id in ids {
            let row = match caught(self.store.read(id)).await {
                Ok(Ok(None)) => continue,
                Ok(Ok(Some(row))) => Ok(row),
                Ok(Err(error)) if sqlstate::kind(&error) != ErrorKind::UnreadableRow => return Err(error),
                Ok(Err(error)) => Err(Arc::new(error)),
                Err(panicked) => Err(Arc::new(sqlx::Error::Decode(panicked.into()))),
            };
            rows.insert(id.to_owned(), row);
        }
        Ok(rows)
    }

    fn queue(&self) -> MutexGuard<'_, Queue<U>> {
        // Code under the lock does not panic, and the queue is always consistent.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<U: SyncedRow> Slot<U> {
    fn start(slot: Option<Self>) {
        if let Some(slot) = slot
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(slot.serve()));
        }
    }

    /// Serves one batch. Dropping the slot starts the next batch, if requests wait.
    async fn serve(mut self) {
        self.gather().await;
        let batch = self.take();
        for other in batch.iter().skip(1) {
            other.counted.set(false);
        }
        let rows = within(self.reads.timeout, self.reads.read_all(&batch))
            .await
            .map_err(Arc::new);
        for Waiting { clerk_id, answer, .. } in batch {
            let row = match &rows {
                Ok(rows) => rows.get(&*clerk_id).cloned().transpose(),
                Err(error) => Err(Arc::clone(error)),
            };
            // A cancelled request needs no answer.
            drop(answer.send(row));
        }
    }

    /// Lets all requests that are ready to run join the batch.
    async fn gather(&self) {
        let mut waiting = self.reads.queue().waiting.len();
        for _ in 0..MAX_TURNS {
            tokio::task::yield_now().await;
            let before = std::mem::replace(&mut waiting, self.reads.queue().waiting.len());
            if waiting == before {
                return;
            }
        }
    }

    fn take(&mut self) -> Vec<Waiting<U>> {
        let mut queue = self.reads.queue();
        self.is_scheduled = false;
        queue.is_scheduled = false;
        let most = queue.waiting.len().min(MAX_ROWS);
        let batch = queue.waiting.drain(..most);
        let batch: Vec<_> = batch.filter(|waiting| !waiting.answer.is_closed()).collect();
        queue.was_shared = batch.len() > 1;
        let rest = self.reads.schedule(&mut queue);
        drop(queue);
        Self::start(rest);
        batch
    }
}

impl<U: SyncedRow> Drop for Slot<U> {
    fn drop(&mut self) {
        let mut queue = self.reads.queue();
        queue.running -= 1;
        let slot = if self.is_scheduled {
            // The task's runtime is shutting down.
            queue.is_scheduled = false;
            None
        } else {
            self.reads.schedule(&mut queue)
        };
        drop(queue);
        Self::start(slot);
    }
}

impl<U: SyncedRow> Drop for ReadPermit<'_, U> {
    fn drop(&mut self) {
        let mut queue = self.reads.queue();
        queue.in_flight.remove(self.clerk_id);
        queue.running -= 1;
        // A task takes over the slot, because the request that held it may be cancelled.
        let slot = self.reads.schedule(&mut queue);
        drop(queue);
        Slot::start(slot);
    }
}

async fn within<T>(
    timeout: Duration,
    reading: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(timeout, reading)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
