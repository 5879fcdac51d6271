//! The structs whose rows are compared with the model.

use clerk_auth::SyncedUser;
use clerk_auth::row::StoredIn;

/// A user of this suite: one name that changes, and one column of the application.
pub(super) trait Member: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite> {
    /// Reads the state of a user: name, version, the application's column, and whether they are deleted.
    const ROW: &'static str;
    /// True if a deletion is recorded permanently even without a row.
    const REMEMBERS_ALL: bool;
    /// True if concurrent events have the same outcome in any order.
    const IS_ORDERLESS: bool = true;

    fn name(&self) -> Option<&str>;
}

/// A user whose row stays as a tombstone after the deletion.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
pub(super) struct Kept {
    #[expect(dead_code, reason = "every user has one")]
    clerk_id: String,
    name: Option<String>,
    #[column(app)]
    #[expect(dead_code, reason = "it is read from the table")]
    credits: i64,
}

impl Member for Kept {
    const ROW: &'static str = "SELECT name, clerk_version, credits, clerk_deleted_at IS NOT NULL FROM members \
                               WHERE clerk_id = $1";
    const REMEMBERS_ALL: bool = false;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A user whose row is deleted, and whose id is recorded in another table.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    tombstones = "former_members",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
pub(super) struct Removed {
    #[expect(dead_code, reason = "every user has one")]
    clerk_id: String,
    name: Option<String>,
    #[column(app)]
    #[expect(dead_code, reason = "it is read from the table")]
    credits: i64,
}

impl Member for Removed {
    const ROW: &'static str = "SELECT members.name, members.clerk_version, members.credits, \
                               former_members.clerk_id IS NOT NULL \
                               FROM (SELECT CAST($1 AS TEXT) AS id) AS it \
                               LEFT JOIN members ON members.clerk_id = it.id \
                               LEFT JOIN former_members ON former_members.clerk_id = it.id";
    const REMEMBERS_ALL: bool = true;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A user whose version is the time at which the claims were read; the version is stored only with a change.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    template_json = r#"{"name": "{{user.first_name}}"}"#,
    version = "iat",
    database(postgres, sqlite)
)]
pub(super) struct Unversioned {
    #[expect(dead_code, reason = "every user has one")]
    clerk_id: String,
    name: Option<String>,
    #[column(app)]
    #[expect(dead_code, reason = "it is read from the table")]
    credits: i64,
}

impl Member for Unversioned {
    const ROW: &'static str = Kept::ROW;
    const REMEMBERS_ALL: bool = false;
    const IS_ORDERLESS: bool = false;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
