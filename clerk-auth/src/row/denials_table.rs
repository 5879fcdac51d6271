//! The table of denials: refused users and sessions, and changed memberships, for tokens that have not expired yet.

use super::column::ColumnDefinition;

/// Creates the table of denials (bans, deletions, ends of sessions and memberships) and its index, in a migration of
/// the application. PostgreSQL and SQLite use the same text, which is part of
/// [`migration_sql`](crate::SyncedRow::migration_sql). All structs and processes of a database share the table.
///
/// ```
/// use clerk_auth::sync::CREATE_DENIALS;
///
/// assert!(CREATE_DENIALS.starts_with("CREATE TABLE IF NOT EXISTS \"clerk_denials\" ("));
/// ```
pub const CREATE_DENIALS: &str = r#"CREATE TABLE IF NOT EXISTS "clerk_denials" (
    "kind" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "refusal" TEXT,
    "version" BIGINT NOT NULL,
    "happened_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    PRIMARY KEY ("kind", "id")
);
CREATE INDEX IF NOT EXISTS "clerk_denials_changed_at" ON "clerk_denials" ("changed_at")"#;

/// The table's name.
pub(crate) const DENIALS_TABLE: &str = "clerk_denials";

/// The columns that the statements need.
pub(crate) const DENIAL_COLUMNS: &[ColumnDefinition] = &[
    column("kind", "TEXT"),
    column("id", "TEXT"),
    ColumnDefinition {
        clauses: &[],
        ..column("refusal", "TEXT")
    },
    column("version", "BIGINT"),
    column("happened_at", "BIGINT"),
    column("expires_at", "BIGINT"),
    column("changed_at", "BIGINT"),
];

const fn column(name: &'static str, sql_type: &'static str) -> ColumnDefinition {
    ColumnDefinition {
        name,
        sql_type,
        clauses: &[" NOT NULL"],
        inserted: true,
    }
}
