//! The application's own queries, each written once, because both databases accept `$1` as a parameter.

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

/// The future of a query.
pub type Answer<'a, T, E = sqlx::Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// The queries of the application.
///
/// The example supports both databases. An application on one database does not need this trait: put a `PgPool` into
/// the state, and write the queries in the handlers.
pub trait Repository: fmt::Debug + Send + Sync {
    /// Starts sync of the users in this database.
    fn users(&self, clerk: Clerk) -> Answer<'_, UserSync<User>, SchemaError>;

    /// Starts sync of the organizations, after that of the users.
    fn organizations<'a>(
        &'a self,
        users: &'a UserSync<User>,
    ) -> Answer<'a, OrganizationSync<Organization>, SchemaError>;

    /// Starts sync of the memberships, after that of users and organizations.
    fn memberships<'a>(
        &'a self,
        users: &'a UserSync<User>,
        organizations: &'a OrganizationSync<Organization>,
    ) -> Answer<'a, MembershipSync<Membership>, SchemaError>;

    /// Returns all users, in the order of their ids.
    fn all_users(&self) -> Answer<'_, Vec<User>>;

    /// Returns the notes of a user, newest first.
    fn notes_of(&self, user_id: i64) -> Answer<'_, Vec<Note>>;

    /// Writes a note of a user.
    fn write_note(&self, user_id: i64, body: String) -> Answer<'_, Note>;

    /// Returns the members of an organization, with their roles.
    fn members_of(&self, organization_id: i64) -> Answer<'_, Vec<Member>>;

    /// Returns the notes of an organization, newest first.
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

    /// Removes all marks of deletion, bans and ended sessions. Only for users of an earlier stand-in, whose ids the
    /// next one reuses; Clerk's users must stay deleted.
    fn forget_deletions(&self) -> Answer<'_, ()>;

    /// Occupies all connections of the pool for a while, as if the database had stopped answering. Returns once it has
    /// all of them.
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
        // Runs in the transaction of the row, so that every user gets exactly one welcome note.
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
