//! Records deliveries, for a hook that must run at most once per delivery.

use std::time::Duration;

use super::connection::Connections;
use super::dialect::Dialect;
use super::error::{WriteError, commit_error};
use super::hooks::{OnEvent, run_hook};
use super::sql_store::{SqlStore, with_version};
use super::write_permits::WritePermit;
use crate::id::DeliveryId;
use crate::row::{ColumnDefinition, Parameter, Statement, StoredIn};
use crate::schema::OwnTable;
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::{Applied, Change, Deletion};
use crate::sync::model::plan::{Plan, plan};
use crate::sync::model::row::StoredRow;
use crate::webhook::Webhook;

/// Creates the table of recorded deliveries for an [`on_event_once`](crate::sync::UserSyncBuilder::on_event_once) hook,
/// and its index, in a migration of the application. PostgreSQL and SQLite use the same text. Recording a delivery
/// deletes up to a hundred that are older than 30 days.
///
/// ```
/// use clerk_auth::sync::CREATE_DELIVERIES;
///
/// assert!(CREATE_DELIVERIES.starts_with("CREATE TABLE \"clerk_deliveries\" ("));
/// ```
pub const CREATE_DELIVERIES: &str = r#"CREATE TABLE "clerk_deliveries" (
    "id" TEXT PRIMARY KEY,
    "received_at" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX "clerk_deliveries_received_at" ON "clerk_deliveries" ("received_at")"#;

/// The columns that the statements need.
const COLUMNS: &[ColumnDefinition] = &[
    ColumnDefinition {
        name: "id",
        sql_type: "TEXT",
        clauses: &[" NOT NULL", " UNIQUE"],
        inserted: true,
    },
    ColumnDefinition {
        name: "received_at",
        sql_type: "TIMESTAMP",
        clauses: &[" NOT NULL", " DEFAULT CURRENT_TIMESTAMP"],
        inserted: false,
    },
];

const RECORD: &str = r#"INSERT INTO "clerk_deliveries" ("id") VALUES ($1) ON CONFLICT DO NOTHING"#;

/// The timeout for deleting old deliveries, while Clerk waits for the answer.
const FORGET_FOR: Duration = Duration::from_secs(1);

/// The table, for the check at start-up.
pub(crate) fn table<DB: Dialect>() -> OwnTable {
    OwnTable {
        path: "clerk_deliveries",
        create_table: CREATE_DELIVERIES,
        columns: COLUMNS,
        privileges: &["SELECT", "INSERT", "DELETE"],
        statements: vec![
            Statement::new("record deliveries", RECORD, &[Parameter::Text]),
            Statement::new("forget deliveries", DB::FORGET_DELIVERIES, &[]),
        ],
        holds: "deliveries cannot be remembered".to_owned(),
    }
}

/// Deletes some deliveries that are older than a month. Svix retries for 27 hours and 35 minutes, and an operator may
/// replay a delivery later. Runs after each recorded delivery, so that the table holds about a month of deliveries.
/// Runs in a separate transaction, so that no delivery waits for another.
pub(crate) async fn forget_old<DB: Dialect>(connections: &Connections<DB>) {
    let forgotten = tokio::time::timeout(FORGET_FOR, async {
        connections
            .execute(DB::FORGET_DELIVERIES, DB::Arguments::default())
            .await
    });
    match forgotten.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "old deliveries cannot be deleted"),
        Err(_) => tracing::warn!("old deliveries cannot be deleted in a second"),
    }
}

/// Returns whether the delivery is new. Another transaction with the same delivery waits for this one.
pub(crate) async fn is_first<DB: Dialect>(
    connection: &mut DB::Connection,
    id: &DeliveryId,
) -> Result<bool, sqlx::Error> {
    let inserted = DB::execute(connection, RECORD, DB::key(id.as_str())?).await?;
    Ok(inserted > 0)
}

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Applies a change and runs the application's hook, atomically.
    pub(crate) async fn apply_in_transaction(
        &self,
        delivery: &Webhook,
        change: Change<'_, U>,
        permit: WritePermit,
    ) -> Result<Applied, WriteError> {
        let is_hooked = |on_event: &OnEvent<DB>| !on_event.once || !matches!(change, Change::Refuse);
        let on_event = self.on_event.as_ref().filter(|on_event| is_hooked(on_event));
        if on_event.is_none() {
            match change {
                Change::Nothing => return Ok(Applied::Nothing),
                Change::Refuse => return Ok(Applied::Refused),
                Change::Write(_) | Change::Delete(_) | Change::End(_) => {}
            }
        }
        let mut transaction = self.connections.begin_to_write(permit).await?;
        let applied = self.apply_in(&mut transaction, delivery, change, on_event).await;
        let applied = transaction.end(applied, commit_error::<U>).await?;
        if on_event.is_some_and(|on_event| on_event.once) {
            forget_old(&self.connections).await;
        }
        if let Change::Write(observation) = change
            && matches!(applied, Applied::Inserted | Applied::Linked | Applied::Updated)
            && self.after_triggers.are_deferrable
            // Only an optimization: without this read, the next delivery writes the row once more.
            && let Ok(Some(stored)) = self.read_row(observation.clerk_id()).await
        {
            self.normalized.record(observation, &stored);
        }
        // A concurrent insertion and deletion may not have seen each other.
        let is_purged = match change {
            Change::Delete(clerk_id) => self.delete_leftover(clerk_id).await?,
            Change::Write(observation) if matches!(applied, Applied::Inserted | Applied::Linked) => {
                self.delete_leftover(observation.clerk_id()).await?
            }
            Change::Nothing | Change::Refuse | Change::Write(_) | Change::End(_) => false,
        };
        match change {
            Change::Write(_) if is_purged => Ok(Applied::UserDeleted),
            _ => Ok(applied),
        }
    }

    async fn apply_in(
        &self,
        connection: &mut DB::Connection,
        delivery: &Webhook,
        change: Change<'_, U>,
        on_event: Option<&OnEvent<DB>>,
    ) -> Result<Applied, WriteError> {
        let applied = match change {
            Change::Nothing => Applied::Nothing,
            Change::Refuse => Applied::Refused,
            Change::Write(observation) => self.write_in(connection, observation).await?,
            Change::End(observation) => self.end_in(connection, observation).await?,
            Change::Delete(clerk_id) => match self.delete_in(connection, clerk_id).await? {
                Deletion::Deleted | Deletion::NoRow => Applied::Deleted,
                Deletion::AlreadyDeleted => Applied::UserDeleted,
            },
        };
        if let Some(OnEvent { hook, once }) = on_event
            && (!once || is_first::<DB>(connection, &delivery.id).await?)
        {
            run_hook::<DB, Webhook>(connection, WriteError::OnEvent, &**hook, delivery).await?;
        }
        Ok(applied)
    }

    /// Reads the row, and raises its version first if its claims are correct: see [`Plan::RaiseVersion`].
    async fn select_current(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Option<StoredRow<U>>, sqlx::Error> {
        let stored = self.select(connection, observation.clerk_id()).await?;
        if plan(stored.as_ref(), observation) != Plan::RaiseVersion {
            return Ok(stored);
        }
        let arguments = with_version::<DB>(observation.clerk_id(), observation.version)?;
        DB::execute(&mut *connection, U::RAISE_VERSION, arguments).await?;
        self.select(connection, observation.clerk_id()).await
    }

    /// Records the end of a membership, so that an earlier event with a later delivery does not restore it.
    async fn end_in(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Applied, WriteError> {
        let (clerk_id, version) = (observation.clerk_id(), observation.version);
        if let Some(ended) = self.end_row_in(connection, clerk_id, version).await? {
            return Ok(ended);
        }
        // The hooks do not run, because no member has joined.
        match self.upsert(connection, observation).await {
            // The member has no row, and the referenced rows do not exist either.
            Err(WriteError::ReferenceMissing) => Ok(Applied::Deleted),
            written => {
                written?;
                DB::execute(connection, U::TOMBSTONE, DB::key(clerk_id)?).await?;
                Ok(Applied::Deleted)
            }
        }
    }

    async fn write_in(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Applied, WriteError> {
        let stored = self.select_current(connection, observation).await?;
        match plan(stored.as_ref(), observation) {
            Plan::UserDeleted => Ok(Applied::UserDeleted),
            Plan::Write
                if stored
                    .as_ref()
                    .is_some_and(|stored| self.normalized.knows(observation, stored)) =>
            {
                Ok(Applied::Unchanged)
            }
            Plan::Serve if stored.is_some_and(|stored| stored.version > observation.version) => {
                Ok(Applied::Stale)
            }
            Plan::Serve | Plan::RaiseVersion => Ok(Applied::Unchanged),
            Plan::Write => {
                let written = self.upsert_with_hook(connection, observation).await;
                let mut written = match written {
                    Err(WriteError::UserDeleted) => return Ok(Applied::UserDeleted),
                    written => written?,
                };
                // A trigger that ran after the write may have changed the row again.
                if self.normalized.was_written(observation)
                    && let Some(stored) = self.select(connection, observation.clerk_id()).await?
                {
                    written.stored = stored;
                }
                let is_changed = self.normalized.record(observation, &written.stored);
                Ok(Applied::of_write(
                    written.winner(),
                    observation.version,
                    is_changed,
                ))
            }
        }
    }
}
