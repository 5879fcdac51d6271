//! The background tasks of a handle, which end with its last clone or with the pool.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use sqlx::pool::CloseEvent;
use tokio::task::AbortHandle;

/// Background tasks, aborted on drop.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<Vec<AbortHandle>>);

impl Tasks {
    /// Runs a task until it ends, the pool is closed, or `self` is dropped.
    pub(crate) fn spawn(&self, mut closed: CloseEvent, task: impl Future<Output = ()> + Send + 'static) {
        let handle = tokio::spawn(async move {
            // The only error is that the pool was closed.
            drop(closed.do_until(task).await);
        });
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(handle.abort_handle());
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}
