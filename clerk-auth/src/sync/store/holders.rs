//! Finds and changes the rows that hold a unique value of another row.

use super::dialect::Dialect;
use super::error::{WriteError, unique_violation};
use super::sql_store::{SqlStore, with_version};
use crate::row::StoredIn;
use crate::sync::model::observation::Observation;

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Returns the Clerk user ids of the rows that hold a user's claim.
    pub(super) async fn select_holders(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
        column: usize,
    ) -> Result<Vec<String>, sqlx::Error> {
        let statements = &U::CLAIM_COLUMNS[column];
        let mut holders: Vec<String> = Vec::new();
        for sql in [statements.holder, statements.holder_ignoring_case] {
            let mut arguments = DB::Arguments::default();
            U::bind_claim(&observation.claims, column, &mut arguments).map_err(sqlx::Error::Encode)?;
            DB::add_text(&mut arguments, observation.clerk_id())?;
            let rows = DB::fetch_all(&mut *connection, sql, arguments).await?;
            for row in &rows {
                let holder = DB::text(row, 0)?;
                if !holders.contains(&holder) {
                    holders.push(holder);
                }
            }
        }
        Ok(holders)
    }

    /// Sets columns of other rows to null. First locks all rows, including the user's own, in the order of the Clerk
    /// user ids. Two users who swap a value therefore do not deadlock.
    pub(super) async fn release(
        &self,
        connection: &mut DB::Connection,
        released: &[(String, usize)],
        observation: &Observation<'_, U>,
    ) -> Result<(), WriteError> {
        if DB::LOCKS_ROWS {
            let mut clerk_ids: Vec<&str> = released.iter().map(|(holder, _)| &**holder).collect();
            clerk_ids.push(observation.clerk_id());
            clerk_ids.sort_unstable();
            clerk_ids.dedup();
            for clerk_id in clerk_ids {
                self.select_and_lock(connection, clerk_id).await?;
            }
        }
        for (holder, column) in released {
            if let Some(give_way) = U::CLAIM_COLUMNS[*column].give_way {
                let arguments = with_version::<DB>(holder, observation.version)?;
                DB::execute(&mut *connection, give_way, arguments)
                    .await
                    .map_err(unique_violation)?;
            }
        }
        Ok(())
    }
}
