//! Reads a member's three rows with one statement, and inserts the missing ones in one transaction.

use std::any::Any;
use std::sync::Arc;

use super::bookkeeping::joined;
use super::dialect::Dialect;
use super::error::{WriteError, commit_error};
use super::hooks::StoreFuture;
use super::interface::Store;
use super::retry::Failed;
use super::sql_store::SqlStore;
use super::sqlstate::ErrorKind;
use crate::row::{RowKind, StoredIn, SyncedMembership};
use crate::sync::model::observation::Observation;
use crate::sync::model::row::{StoredRow, Upserted};

/// A value for each of a member's rows.
pub(crate) struct OfMember<U, O, M> {
    pub(crate) user: U,
    pub(crate) organization: O,
    pub(crate) membership: M,
}

/// The rows of a member that exist.
pub(crate) type Found<M> = OfMember<
    Option<StoredRow<<M as SyncedMembership>::User>>,
    Option<StoredRow<<M as SyncedMembership>::Organization>>,
    Option<StoredRow<M>>,
>;

/// The rows to insert; always includes that of the membership.
pub(crate) type Missing<'a, M> = OfMember<
    Option<&'a Observation<'a, <M as SyncedMembership>::User>>,
    Option<&'a Observation<'a, <M as SyncedMembership>::Organization>>,
    &'a Observation<'a, M>,
>;

/// The inserted rows.
pub(crate) type Inserted<M> = OfMember<
    Option<Upserted<<M as SyncedMembership>::User>>,
    Option<Upserted<<M as SyncedMembership>::Organization>>,
    Upserted<M>,
>;

/// The row that could not be written, with the error.
#[derive(Debug)]
pub(crate) struct WriteFailure {
    pub(crate) kind: RowKind,
    pub(crate) error: WriteError,
}

impl From<sqlx::Error> for WriteFailure {
    fn from(error: sqlx::Error) -> Self {
        Self::new(RowKind::Membership)(error)
    }
}

impl Failed for WriteFailure {
    fn kind(&self) -> Option<ErrorKind> {
        self.error.kind()
    }
}

impl WriteFailure {
    fn new<E: Into<WriteError>>(kind: RowKind) -> impl FnOnce(E) -> Self {
        move |error| Self {
            kind,
            error: error.into(),
        }
    }
}

/// The storage of all rows of members.
pub(crate) trait JoinedStore<M: SyncedMembership>: Send + Sync {
    /// Reads the rows with these keys: of the user, the organization, the membership.
    fn find<'a>(&'a self, keys: [&'a str; 3]) -> StoreFuture<'a, Found<M>>;

    /// Writes the missing rows atomically, with the application's hooks.
    fn insert<'a>(&'a self, missing: &'a Missing<'a, M>) -> StoreFuture<'a, Inserted<M>, WriteFailure>;
}

struct Joined<M, DB>
where
    DB: Dialect,
    M: SyncedMembership + StoredIn<DB>,
    M::User: StoredIn<DB>,
    M::Organization: StoredIn<DB>,
{
    select: &'static str,
    users: Arc<SqlStore<M::User, DB>>,
    organizations: Arc<SqlStore<M::Organization, DB>>,
    memberships: Arc<SqlStore<M, DB>>,
}

/// Joins three stores. Returns `None` unless they share one pool, because another pool might belong to another
/// database.
pub(crate) fn join<M, DB>(
    users: Arc<dyn Store<M::User>>,
    organizations: Arc<dyn Store<M::Organization>>,
    memberships: Arc<dyn Store<M>>,
) -> Option<Arc<dyn JoinedStore<M>>>
where
    DB: Dialect,
    M: SyncedMembership + StoredIn<DB>,
    M::User: StoredIn<DB>,
    M::Organization: StoredIn<DB>,
{
    let joined = Joined {
        select: M::SELECT_JOINED?,
        users: of_database(users)?,
        organizations: of_database(organizations)?,
        memberships: of_database(memberships)?,
    };
    let connections = &joined.memberships.connections;
    let is_one_pool = connections.shares_pool(&joined.users.connections)
        && connections.shares_pool(&joined.organizations.connections);
    is_one_pool.then(|| Arc::new(joined) as Arc<dyn JoinedStore<M>>)
}

fn of_database<DB: Dialect, U: StoredIn<DB>>(store: Arc<dyn Store<U>>) -> Option<Arc<SqlStore<U, DB>>> {
    let store: Arc<dyn Any + Send + Sync> = store;
    store.downcast().ok()
}

impl<M, DB> JoinedStore<M> for Joined<M, DB>
where
    DB: Dialect,
    M: SyncedMembership + StoredIn<DB>,
    M::User: StoredIn<DB>,
    M::Organization: StoredIn<DB>,
{
    fn find<'a>(&'a self, keys: [&'a str; 3]) -> StoreFuture<'a, Found<M>> {
        Box::pin(self.memberships.repeated(move || async move {
            let mut arguments = DB::Arguments::default();
            for key in keys {
                DB::add_text(&mut arguments, key)?;
            }
            let mut connection = self.memberships.connections.acquire().await?;
            let row = DB::fetch_optional(&mut connection, self.select, arguments).await;
            let row = connection.end(row).await?.ok_or(sqlx::Error::RowNotFound)?;
            let organization = M::User::WIDTH;
            let membership = organization + M::Organization::WIDTH;
            Ok(OfMember {
                user: joined::<DB, M::User>(&row, 0)?,
                organization: joined::<DB, M::Organization>(&row, organization)?,
                membership: joined::<DB, M>(&row, membership)?,
            })
        }))
    }

    fn insert<'a>(&'a self, missing: &'a Missing<'a, M>) -> StoreFuture<'a, Inserted<M>, WriteFailure> {
        Box::pin(async move {
            let write = move |permit| async move {
                let connections = &self.memberships.connections;
                let mut transaction = connections.begin_to_write(permit).await?;
                let written = self.write(&mut transaction, missing).await;
                let failed = |error| WriteFailure::new(RowKind::Membership)(commit_error::<M>(error));
                transaction.end(written, failed).await
            };
            let key = missing.membership.clerk_id();
            let written: Inserted<M> = self.memberships.tried(key, write).await?;
            let membership = self.memberships.after_commit(key, written.membership).await;
            Ok(OfMember {
                user: after_commit(&self.users, missing.user, written.user).await?,
                organization: after_commit(&self.organizations, missing.organization, written.organization)
                    .await?,
                membership: membership.map_err(WriteFailure::new(RowKind::Membership))?,
            })
        })
    }
}

impl<M, DB> Joined<M, DB>
where
    DB: Dialect,
    M: SyncedMembership + StoredIn<DB>,
    M::User: StoredIn<DB>,
    M::Organization: StoredIn<DB>,
{
    /// Writes in this order, because a membership references the others, and because a fixed order prevents deadlocks.
    async fn write(
        &self,
        transaction: &mut DB::Connection,
        missing: &Missing<'_, M>,
    ) -> Result<Inserted<M>, WriteFailure> {
        Ok(OfMember {
            user: write(&self.users, transaction, missing.user).await?,
            organization: write(&self.organizations, transaction, missing.organization).await?,
            membership: self
                .memberships
                .upsert_with_hook(transaction, missing.membership)
                .await
                .map_err(WriteFailure::new(RowKind::Membership))?,
        })
    }
}

async fn write<DB: Dialect, U: StoredIn<DB>>(
    store: &SqlStore<U, DB>,
    transaction: &mut DB::Connection,
    missing: Option<&Observation<'_, U>>,
) -> Result<Option<Upserted<U>>, WriteFailure> {
    let Some(observation) = missing else {
        return Ok(None);
    };
    let written = store.upsert_with_hook(transaction, observation).await;
    let written = written.map_err(WriteFailure::new(U::KIND))?;
    if written.stored.deleted {
        return Err(WriteFailure::new(U::KIND)(WriteError::UserDeleted));
    }
    Ok(Some(written))
}

async fn after_commit<DB: Dialect, U: StoredIn<DB>>(
    store: &SqlStore<U, DB>,
    missing: Option<&Observation<'_, U>>,
    written: Option<Upserted<U>>,
) -> Result<Option<Upserted<U>>, WriteFailure> {
    match (missing, written) {
        (Some(observation), Some(written)) => {
            let written = store.after_commit(observation.clerk_id(), written).await;
            written.map(Some).map_err(WriteFailure::new(U::KIND))
        }
        _ => Ok(None),
    }
}
