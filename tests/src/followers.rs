//! Creates the tables of a struct, and handles on organizations and memberships, on a pool of either database.

use clerk_auth::row::StoredIn;
use clerk_auth::sync::{MemberPool, UserPool};
use clerk_auth::{
    MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser, UserSync,
};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};

use crate::profiles::Pool;

impl Pool {
    /// Creates the tables of a struct.
    ///
    /// # Panics
    ///
    /// If one of them exists.
    pub async fn migrate<R>(&self)
    where
        R: SyncedRow + StoredIn<Postgres> + StoredIn<Sqlite>,
    {
        self.migrate_as::<R>(|sql| sql).await;
    }

    /// Creates the tables of a struct with changed statements.
    ///
    /// # Panics
    ///
    /// If a statement fails.
    pub async fn migrate_as<R>(&self, change: impl FnOnce(String) -> String)
    where
        R: SyncedRow + StoredIn<Postgres> + StoredIn<Sqlite>,
    {
        let sql = match self {
            Self::Postgres(_) => R::migration_sql::<Postgres>(),
            Self::Sqlite(_) => R::migration_sql::<Sqlite>(),
        };
        for statement in change(sql).split(";\n").filter(|statement| !statement.is_empty()) {
            self.execute(statement).await;
        }
    }

    /// Starts a handle on organizations.
    ///
    /// # Panics
    ///
    /// If the table does not fit.
    pub async fn organizations<U, O>(&self, users: &UserSync<U>) -> OrganizationSync<O>
    where
        U: SyncedUser,
        O: SyncedOrganization,
        PgPool: UserPool<O>,
        SqlitePool: UserPool<O>,
    {
        let started = match self {
            Self::Postgres(pool) => OrganizationSync::new(users, pool.clone()).await,
            Self::Sqlite(pool) => OrganizationSync::new(users, pool.clone()).await,
        };
        started.expect("the table fits")
    }

    /// Starts a handle on memberships.
    ///
    /// # Panics
    ///
    /// If the table does not fit.
    pub async fn memberships<M>(
        &self,
        users: &UserSync<M::User>,
        organizations: &OrganizationSync<M::Organization>,
    ) -> MembershipSync<M>
    where
        M: SyncedMembership,
        PgPool: MemberPool<M>,
        SqlitePool: MemberPool<M>,
    {
        let started = match self {
            Self::Postgres(pool) => MembershipSync::new(users, organizations, pool.clone()).await,
            Self::Sqlite(pool) => MembershipSync::new(users, organizations, pool.clone()).await,
        };
        started.expect("the table fits")
    }
}
