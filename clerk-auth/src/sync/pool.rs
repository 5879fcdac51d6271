//! The pools whose databases hold rows.

use std::future::Future;
use std::sync::Arc;

use sqlx::{Connection, Database, Pool};

#[cfg(feature = "postgres")]
use super::notify::listener::Listening;
use super::store::after_triggers::AfterTriggers;
use super::store::connection::Connections;
use super::store::denials;
use super::store::dialect::Dialect;
use super::store::hooks::Hooks;
use super::store::interface::Store;
use super::store::joined::{self, JoinedStore};
use super::store::normalized::Normalized;
use super::store::sql_store::SqlStore;
use super::store::stuck::Stuck;
use super::store::write_permits::WritePermits;
use crate::row::{ClaimColumn, StoredIn, SyncedMembership};
use crate::schema::{self, SchemaError};

/// A pool whose database holds rows of `U`: a `sqlx::PgPool` or a `sqlx::SqlitePool`.
///
/// ```
/// use clerk_auth::schema::SchemaError;
/// use clerk_auth::sync::UserPool;
/// use clerk_auth::{Clerk, SyncedUser, UserSync};
///
/// /// For an application that runs on either database.
/// async fn users<U, DB>(clerk: &Clerk, pool: sqlx::Pool<DB>) -> Result<UserSync<U>, SchemaError>
/// where
///     U: SyncedUser,
///     DB: sqlx::Database,
///     sqlx::Pool<DB>: UserPool<U>,
/// {
///     UserSync::new(clerk.clone(), pool).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "rows of `{U}` are not stored in `{Self}`",
    label = "`{U}` does not name this database",
    note = "add it to the struct: `#[synced_user(database(postgres, sqlite))]`, and enable the feature of the same name"
)]
pub trait UserPool<U>: sealed::Store<U> {}

/// The findings about a table at start-up.
#[derive(Debug)]
pub struct CheckedTable {
    /// A string that is equal for all handles of this process on the same table.
    pub(super) place: String,
    pub(super) after_triggers: AfterTriggers,
}

/// A pool whose database holds the rows of memberships `M`, their users and their organizations: a `sqlx::PgPool` or a
/// `sqlx::SqlitePool`.
///
/// ```
/// use clerk_auth::schema::SchemaError;
/// use clerk_auth::sync::MemberPool;
/// use clerk_auth::{MembershipSync, OrganizationSync, SyncedMembership, UserSync};
///
/// /// For an application that runs on either database.
/// async fn memberships<M, DB>(
///     users: &UserSync<M::User>,
///     organizations: &OrganizationSync<M::Organization>,
///     pool: sqlx::Pool<DB>,
/// ) -> Result<MembershipSync<M>, SchemaError>
/// where
///     M: SyncedMembership,
///     DB: sqlx::Database,
///     sqlx::Pool<DB>: MemberPool<M>,
/// {
///     MembershipSync::new(users, organizations, pool).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "rows of `{M}`, its users and its organizations are not stored in `{Self}`",
    label = "one of the three structs does not name this database",
    note = "add it to each: `database(postgres, sqlite)`, and enable the feature of the same name"
)]
pub trait MemberPool<M: SyncedMembership>: UserPool<M> + sealed::Joins<M> {}

pub(super) mod sealed {
    use super::{
        AfterTriggers, Arc, CheckedTable, ClaimColumn, Database, Future, Hooks, JoinedStore, SchemaError,
        SyncedMembership,
    };

    pub trait Joins<M: SyncedMembership> {
        /// Joins the stores of a member's rows, if they share one pool.
        #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
        fn join(
            users: Arc<dyn super::Store<M::User>>,
            organizations: Arc<dyn super::Store<M::Organization>>,
            memberships: Arc<dyn super::Store<M>>,
        ) -> Option<Arc<dyn JoinedStore<M>>>;
    }

    pub trait Store<U>: Send {
        type Database: Database;

        const CLAIM_COLUMNS: &'static [ClaimColumn];

        /// Checks the tables.
        fn check(
            &self,
            transaction_pooling: bool,
            remembers_deliveries: bool,
            shares_denials: bool,
        ) -> impl Future<Output = Result<CheckedTable, SchemaError>> + Send;

        /// Returns the maximum number of connections that the pool opens.
        fn connections(&self) -> u32;

        /// Returns the options of a listening connection; `None` if the database has no notifications.
        #[cfg(feature = "postgres")]
        #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
        fn listening(&self) -> Option<super::Listening>;

        #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
        fn into_store(
            self,
            transaction_pooling: bool,
            hooks: Hooks<U, Self::Database>,
            sender: Arc<str>,
            shares_denials: bool,
            after_triggers: AfterTriggers,
        ) -> Arc<dyn super::Store<U>>;
    }
}

macro_rules! member_pool {
    ($feature:literal, $database:ty) => {
        #[cfg(feature = $feature)]
        impl<M> sealed::Joins<M> for Pool<$database>
        where
            M: SyncedMembership + StoredIn<$database>,
            M::User: StoredIn<$database>,
            M::Organization: StoredIn<$database>,
        {
            #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
            fn join(
                users: Arc<dyn Store<M::User>>,
                organizations: Arc<dyn Store<M::Organization>>,
                memberships: Arc<dyn Store<M>>,
            ) -> Option<Arc<dyn JoinedStore<M>>> {
                joined::join::<M, $database>(users, organizations, memberships)
            }
        }

        #[cfg(feature = $feature)]
        #[diagnostic::do_not_recommend]
        impl<M> MemberPool<M> for Pool<$database>
        where
            M: SyncedMembership + StoredIn<$database>,
            M::User: StoredIn<$database>,
            M::Organization: StoredIn<$database>,
        {
        }
    };
}

member_pool!("postgres", sqlx::Postgres);
member_pool!("sqlite", sqlx::Sqlite);

/// Returns the address of a pool's options, which its clones share.
fn address<DB: Database>(pool: &Pool<DB>) -> usize {
    std::ptr::from_ref(pool.options()).addr()
}

macro_rules! user_pool {
    ($feature:literal, $database:ty, $options:expr) => {
        #[cfg(feature = $feature)]
        impl<U: StoredIn<$database>> sealed::Store<U> for Pool<$database> {
            type Database = $database;

            const CLAIM_COLUMNS: &'static [ClaimColumn] = U::CLAIM_COLUMNS;

            async fn check(
                &self,
                transaction_pooling: bool,
                remembers_deliveries: bool,
                shares_denials: bool,
            ) -> Result<CheckedTable, SchemaError> {
                let connections = Connections::new(self.clone(), transaction_pooling);
                let acquired = connections.acquire().await;
                let mut connection = acquired.map_err(schema::unavailable::<U>)?;
                let mut own: Vec<_> = shares_denials
                    .then(denials::table::<$database>)
                    .into_iter()
                    .collect();
                own.extend(remembers_deliveries.then(crate::sync::store::delivery::table::<$database>));
                schema::check::<$database, U>(&mut connection, own).await?;
                if transaction_pooling && connection.cached_statements_size() > 0 {
                    return Err(SchemaError::StatementCache);
                }
                let place = <$database as Dialect>::place(&mut connection, address(self), U::TABLE).await;
                let place = place.map_err(schema::unavailable::<U>)?;
                let after_triggers = <$database as Dialect>::after_triggers(&mut connection, U::TABLE).await;
                let after_triggers = after_triggers.map_err(schema::unavailable::<U>)?;
                connection.done().await.map_err(schema::unavailable::<U>)?;
                Ok(CheckedTable {
                    place,
                    after_triggers,
                })
            }

            fn connections(&self) -> u32 {
                self.options().get_max_connections()
            }

            #[cfg(feature = "postgres")]
            #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
            fn listening(&self) -> Option<Listening> {
                let options: fn(&Self) -> Option<sqlx::postgres::PgConnectOptions> = $options;
                options(self).map(|options| Listening {
                    pool: address(self),
                    options,
                })
            }

            #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
            fn into_store(
                self,
                transaction_pooling: bool,
                hooks: Hooks<U, $database>,
                sender: Arc<str>,
                shares_denials: bool,
                after_triggers: AfterTriggers,
            ) -> Arc<dyn Store<U>> {
                let size = self.options().get_max_connections();
                let permits = WritePermits::of_pool::<$database>(address(&self), size);
                Arc::new(SqlStore {
                    connections: Connections::new(self, transaction_pooling),
                    on_insert: hooks.on_insert,
                    on_link: hooks.on_link,
                    on_delete: hooks.on_delete,
                    on_event: hooks.on_event,
                    sender,
                    shares_denials,
                    after_triggers,
                    stuck: Stuck::default(),
                    permits,
                    normalized: Normalized::default(),
                })
            }
        }

        #[cfg(feature = $feature)]
        #[diagnostic::do_not_recommend]
        impl<U: StoredIn<$database>> UserPool<U> for Pool<$database> {}
    };
}

user_pool!("postgres", sqlx::Postgres, |pool| Some(
    (*pool.connect_options()).clone()
));
user_pool!("sqlite", sqlx::Sqlite, |_| None);
