//! The settings and the start of a handle, for every kind of row.

use std::sync::Arc;
#[cfg(feature = "postgres")]
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::Database;

#[cfg(feature = "backend-api")]
use super::backend::lookup::UserLookup;
use super::engine::Engine;
use super::followers::Followers;
use super::local::breaker::Breaker;
use super::local::failure_log::FailureLog;
use super::local::read_batches::ReadBatcher;
use super::local::refusals::Refusals;
use super::local::row_cache::RowCache;
use super::local::shared_writes::SharedWrites;
use super::local::sign_up_predictor::SignUpPredictor;
use super::local::tasks::Tasks;
use super::local::write_locks::WriteLocks;
use super::model::barring::Barring;
use super::notify::denial_reader;
#[cfg(feature = "postgres")]
use super::notify::listener;
use super::pool::UserPool;
use super::store::hooks::Hooks;
#[cfg(feature = "backend-api")]
use crate::backend_api::BackendApi;
use crate::clerk::Clerk;
use crate::row::SyncedRow;
use crate::schema::{self, SchemaError};
use crate::template::{on_one_line, patch_command_of};

/// The default time that a request waits for the database. Two seconds are longer than any healthy statement by key,
/// and shorter than the timeouts of load balancers and users' patience.
const SYNC_TIMEOUT: Duration = Duration::from_secs(2);

/// The settings of a handle.
pub(super) struct Settings<U: SyncedRow, DB: Database> {
    pub(super) clerk: Clerk,
    pub(super) timeout: Duration,
    pub(super) transaction_pooling: bool,
    pub(super) shares_denials: bool,
    pub(super) requires_denials: bool,
    pub(super) lockout_ends_sessions: bool,
    pub(super) hooks: Hooks<U, DB>,
    #[cfg(feature = "backend-api")]
    pub(super) backend_api: Option<BackendApi>,
}

impl<U: SyncedRow, DB: Database> Settings<U, DB> {
    pub(super) fn new(clerk: Clerk) -> Self {
        Self {
            clerk,
            timeout: SYNC_TIMEOUT,
            transaction_pooling: false,
            shares_denials: false,
            requires_denials: false,
            lockout_ends_sessions: false,
            hooks: Hooks::default(),
            #[cfg(feature = "backend-api")]
            backend_api: None,
        }
    }

    /// Checks the tables, and starts the handle's background tasks.
    pub(super) async fn start<P>(self, pool: P) -> Result<Arc<Engine<U>>, SchemaError>
    where
        P: UserPool<U, Database = DB>,
    {
        let remembers_deliveries = self.hooks.on_event.as_ref().is_some_and(|on_event| on_event.once);
        let table = pool
            .check(
                self.transaction_pooling,
                remembers_deliveries,
                self.shares_denials,
            )
            .await?;
        tracing::info!(
            table = U::TABLE,
            template = %on_one_line::<U>(),
            command = %patch_command_of::<U>(),
            "session tokens need the claims of this template; the command puts it into Clerk"
        );
        let writes = SharedWrites::for_table(&table.place);
        let sender = Arc::clone(&writes.sender);
        let connections = pool.connections();
        let claim_columns = P::CLAIM_COLUMNS;
        #[cfg(feature = "postgres")]
        let listening = pool.listening();
        let store = pool.into_store(
            self.transaction_pooling,
            self.hooks,
            sender,
            self.shares_denials,
            table.after_triggers,
        );
        #[cfg(feature = "postgres")]
        let needs_no_listener = listening.is_none();
        #[cfg(not(feature = "postgres"))]
        let needs_no_listener = true;
        let barring = Barring {
            lifetime: self.clerk.deny_list().lifetime(),
            lockout_ends_sessions: self.lockout_ends_sessions,
        };
        #[cfg(feature = "backend-api")]
        if let Some(api) = &self.backend_api {
            api.warn_unless_at(self.clerk.api_url());
        }
        let inner = Arc::new(Engine {
            clerk: self.clerk,
            claim_columns,
            reads: ReadBatcher::new(Arc::clone(&store), connections, self.timeout),
            store,
            sign_ups: SignUpPredictor::default(),
            row_cache: RowCache::new(U::FRESH_FOR, writes, needs_no_listener),
            breaker: Breaker::default(),
            failure_log: FailureLog::default(),
            timeout: self.timeout,
            transaction_pooling: self.transaction_pooling,
            barring,
            denials: Arc::default(),
            tasks: Tasks::default(),
            write_locks: WriteLocks::default(),
            refusals: Refusals::default(),
            followers: Followers::default(),
            #[cfg(feature = "postgres")]
            receivers: OnceLock::new(),
            #[cfg(feature = "backend-api")]
            lookup: self.backend_api.map(UserLookup::new),
        });
        if self.shares_denials {
            denial_reader::read_denials(&inner)
                .await
                .map_err(schema::unavailable::<U>)?;
            if self.requires_denials {
                inner.clerk.deny_list().currency().require();
            }
            let watch = denial_reader::watch(
                Arc::downgrade(&inner),
                Arc::clone(&inner.denials),
                self.requires_denials,
            );
            inner.tasks.spawn(inner.store.close_event(), watch);
        }
        // Behind a pooler in transaction mode, `LISTEN` would remain in another client's session.
        #[cfg(feature = "postgres")]
        if let Some(listening) = listening
            && !self.transaction_pooling
            && (inner.row_cache.is_enabled() || self.shares_denials)
        {
            listener::subscribe(&inner, listening);
        }
        Ok(inner)
    }
}
