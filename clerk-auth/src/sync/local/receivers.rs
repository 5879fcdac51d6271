//! The handles on one pool, which share a listening connection.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sqlx::pool::CloseEvent;

use super::tasks::Tasks;
use crate::sync::shared::Shared;

/// The pools of this process whose handles receive notifications, by the address of the options, which clones of a pool
/// share.
static POOLS: Shared<usize, Receivers> = Shared::new();

/// A handle that receives notifications.
pub(crate) trait Receiver: Send + Sync {
    /// Returns the table of its rows.
    fn table(&self) -> &'static str;

    /// Sets whether notifications are received from now on. Earlier ones may have been missed.
    fn set_listening(&self, is_listening: bool);

    /// Applies a notification.
    fn receive(&self, channel: &str, payload: &str);
}

/// The handles on a pool. Each handle owns a reference.
#[derive(Default)]
pub(crate) struct Receivers {
    state: Mutex<State>,
    tasks: Tasks,
}

#[derive(Default)]
struct State {
    receivers: Vec<Weak<dyn Receiver>>,
    is_listening: bool,
}

impl Receivers {
    /// Adds a handle to those of a pool. The first handle starts `listen`.
    pub(crate) fn subscribe<F>(
        pool: usize,
        receiver: Weak<dyn Receiver>,
        closed: CloseEvent,
        listen: impl FnOnce(Weak<Self>) -> F,
    ) -> Arc<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let receivers = POOLS.get_or_create(pool, || {
            let receivers = Arc::<Self>::default();
            let silence = SilenceOnDrop(Arc::downgrade(&receivers));
            let listening = listen(Arc::downgrade(&receivers));
            receivers.tasks.spawn(closed, async move {
                let _silence = silence;
                listening.await;
            });
            receivers
        });
        receivers.add(receiver);
        receivers
    }

    fn add(&self, receiver: Weak<dyn Receiver>) {
        let mut state = self.state();
        if let Some(receiver) = receiver.upgrade() {
            receiver.set_listening(state.is_listening);
        }
        state.receivers.retain(|receiver| receiver.strong_count() > 0);
        state.receivers.push(receiver);
    }

    /// Sets `is_listening` on each handle.
    pub(crate) fn set_listening(&self, is_listening: bool) {
        let mut state = self.state();
        state.is_listening = is_listening;
        for receiver in state.receivers.iter().filter_map(Weak::upgrade) {
            receiver.set_listening(is_listening);
        }
    }

    /// Passes a notification on to each handle.
    pub(crate) fn receive(&self, channel: &str, payload: &str) {
        for receiver in self.state().receivers.iter().filter_map(Weak::upgrade) {
            receiver.receive(channel, payload);
        }
    }

    /// Returns the tables of the handles, for the log.
    pub(crate) fn tables(&self) -> String {
        let state = self.state();
        let receivers = state.receivers.iter().filter_map(Weak::upgrade);
        let tables: Vec<&str> = receivers.map(|receiver| receiver.table()).collect();
        tables.join(", ")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the use of cached rows on drop: when the task ends with the pool, the runtime, or a panic.
struct SilenceOnDrop(Weak<Receivers>);

impl Drop for SilenceOnDrop {
    fn drop(&mut self) {
        if let Some(receivers) = self.0.upgrade() {
            receivers.set_listening(false);
        }
    }
}
