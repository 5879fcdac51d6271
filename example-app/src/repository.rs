//! The application's own queries, each written once: both databases take `$1` for a parameter.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use clerk_auth::schema::SchemaError;
use clerk_auth::sync::{MemberPool, UserPool};
use clerk_auth::{Clerk, MembershipSync, OrganizationSync, UserSync};
use sqlx::{ColumnIndex, Database, Decode, Encode, Executor, FromRow, IntoArguments, Pool, Type};

use crate::notes::{Note, WELCOME};
use crate::organization::{Member, Membership, Organization, OrganizationNote};
use crate::user::User;

/// The answer of a query, which another thread may wait for.
pub type Answer<'a, T, E = sqlx::Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// The queries of the application.
///
/// The example runs on the database that `DATABASE_URL` names. An application on one database needs neither this trait nor
/// its implementation: it takes a `PgPool` into its state, and writes the queries of the implementation into its handlers.
pub trait Repository: fmt::Debug + Send + Sync {
    /// Starts sync of the users in this database.
    fn users(&self, clerk: Clerk) -> Answer<'_, UserSync<User>, SchemaError>;

    /// Starts sync of the organizations, beside that of the users.
    fn organizations<'a>(
        &'a self,
        users: &'a UserSync<User>,
    ) -> Answer<'a, OrganizationSync<Organization>, SchemaError>;

    /// Starts sync of the memberships, beside that of users and organizations.
    fn memberships<'a>(
        &'a self,
        users: &'a UserSync<User>,
        organizations: &'a OrganizationSync<Organization>,
    ) -> Answer<'a, MembershipSync<Membership>, SchemaError>;

    /// Every user, in the order of their ids.
    fn all_users(&self) -> Answer<'_, Vec<User>>;

    /// The notes of a user, newest first.
    fn notes_of(&self, user_id: i64) -> Answer<'_, Vec<Note>>;

    /// Writes a note of a user.
    fn write_note(&self, user_id: i64, body: String) -> Answer<'_, Note>;

    /// The members of an organization, with their roles.
    fn members_of(&self, organization_id: i64) -> Answer<'_, Vec<Member>>;

    /// The notes of an organization, newest first.
    fn notes_of_organization(&self, organization_id: i64) -> Answer<'_, Vec<OrganizationNote>>;

    /// Writes a note of an organization.
    fn write_organization_note(
        &self,
        organization_id: i64,
        user_id: i64,
        body: String,
    ) -> Answer<'_, OrganizationNote>;

    /// Lists the Clerk ids of users whose rows are marked as deleted.
    fn deleted_users(&self) -> Answer<'_, Vec<String>>;

    /// Forgets deletions, bans and ended sessions. For users of an earlier stand-in, whose ids the next one gives out again;
    /// users of Clerk must stay deleted.
    fn forget_deletions(&self) -> Answer<'_, ()>;

    /// Takes every connection of the pool for a while, as if the database had stopped answering. Returns when it has all.
    fn take_all_connections(&self, duration: Duration) -> Answer<'_, ()>;
}

impl<DB> Repository for Pool<DB>
where
    DB: Database<Arguments: IntoArguments<DB>>,
    Self: UserPool<User, Database = DB> + UserPool<Organization> + MemberPool<Membership>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB> + Type<DB>,
    &'static str: for<'q> Encode<'q, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
    User: for<'r> FromRow<'r, DB::Row>,
    Note: for<'r> FromRow<'r, DB::Row>,
    Member: for<'r> FromRow<'r, DB::Row>,
    OrganizationNote: for<'r> FromRow<'r, DB::Row>,
{
    fn users(&self, clerk: Clerk) -> Answer<'_, UserSync<User>, SchemaError> {
        let users = UserSync::builder(clerk, self.clone());
        // In the transaction of the row: there is no user without a welcome, and none is welcomed twice.
        let users = users.on_insert(|connection, user: &User| {
            Box::pin(async move {
                sqlx::query("INSERT INTO notes (user_id, body) VALUES ($1, $2)")
                    .bind(user.id)
                    .bind(WELCOME)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        });
        Box::pin(users.build())
    }

    fn organizations<'a>(
        &'a self,
        users: &'a UserSync<User>,
    ) -> Answer<'a, OrganizationSync<Organization>, SchemaError> {
        OrganizationSync::new(users, self.clone())
    }

    fn memberships<'a>(
        &'a self,
        users: &'a UserSync<User>,
        organizations: &'a OrganizationSync<Organization>,
    ) -> Answer<'a, MembershipSync<Membership>, SchemaError> {
        MembershipSync::new(users, organizations, self.clone())
    }

    fn all_users(&self) -> Answer<'_, Vec<User>> {
        Box::pin(
            sqlx::query_as(
                "SELECT id, clerk_id, email, first_name, last_name, image_url, credits FROM users \
                 WHERE clerk_deleted_at IS NULL ORDER BY id",
            )
            .fetch_all(self),
        )
    }

    fn notes_of(&self, user_id: i64) -> Answer<'_, Vec<Note>> {
        Box::pin(
            sqlx::query_as("SELECT id, user_id, body FROM notes WHERE user_id = $1 ORDER BY id DESC")
                .bind(user_id)
                .fetch_all(self),
        )
    }

    fn write_note(&self, user_id: i64, body: String) -> Answer<'_, Note> {
        Box::pin(
            sqlx::query_as("INSERT INTO notes (user_id, body) VALUES ($1, $2) RETURNING id, user_id, body")
                .bind(user_id)
                .bind(body)
                .fetch_one(self),
        )
    }

    fn members_of(&self, organization_id: i64) -> Answer<'_, Vec<Member>> {
        Box::pin(
            sqlx::query_as(
                "SELECT users.clerk_id, users.first_name, memberships.role FROM memberships \
                 JOIN users ON users.id = memberships.user_id \
                 WHERE memberships.organization_id = $1 \
                 AND memberships.clerk_deleted_at IS NULL AND users.clerk_deleted_at IS NULL ORDER BY users.id",
            )
            .bind(organization_id)
            .fetch_all(self),
        )
    }

    fn notes_of_organization(&self, organization_id: i64) -> Answer<'_, Vec<OrganizationNote>> {
        Box::pin(
            sqlx::query_as(
                "SELECT id, organization_id, user_id, body FROM organization_notes \
                 WHERE organization_id = $1 ORDER BY id DESC",
            )
            .bind(organization_id)
            .fetch_all(self),
        )
    }

    fn write_organization_note(
        &self,
        organization_id: i64,
        user_id: i64,
        body: String,
    ) -> Answer<'_, OrganizationNote> {
        Box::pin(
            sqlx::query_as(
                "INSERT INTO organization_notes (organization_id, user_id, body) VALUES ($1, $2, $3) \
                 RETURNING id, organization_id, user_id, body",
            )
            .bind(organization_id)
            .bind(user_id)
            .bind(body)
            .fetch_one(self),
        )
    }

    fn deleted_users(&self) -> Answer<'_, Vec<String>> {
        Box::pin(
            sqlx::query_scalar(
                "SELECT clerk_id FROM users WHERE clerk_deleted_at IS NOT NULL ORDER BY clerk_id",
            )
            .fetch_all(self),
        )
    }

    fn forget_deletions(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            for sql in [
                "UPDATE users SET clerk_deleted_at = NULL, clerk_version = 0 WHERE clerk_deleted_at IS NOT NULL",
                "DELETE FROM clerk_denials",
            ] {
                sqlx::query(sql).execute(self).await?;
            }
            Ok(())
        })
    }

    fn take_all_connections(&self, duration: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut taken = Vec::new();
            for _ in 0..self.options().get_max_connections() {
                taken.push(self.acquire().await?);
            }
            tokio::spawn(async move {
                tokio::time::sleep(duration).await;
                drop(taken);
            });
            Ok(())
        })
    }
}
