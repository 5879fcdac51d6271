//! What the two databases do differently.

use std::future::Future;

use sqlx::Arguments;
use sqlx::database::HasStatementCache;
use sqlx::error::DatabaseError;

use super::bookkeeping;
use super::queries::Queries;
#[cfg(feature = "postgres")]
use crate::sync::model::announcement::CHANNEL;
use crate::sync::model::row::Upserted;
use crate::user::StoredIn;

/// The statements of the table of denials: the present moment in milliseconds, the lesser of two numbers, and what stands
/// around a statement that changes the table.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! denial_statements {
    (now: $now:literal, least: $least:literal, before: $before:literal, after: $after:literal) => {
        const RECORD_DENIAL: &'static str = concat!(
            $before,
            r#"INSERT INTO "clerk_denials" AS "known" ("kind", "id", "refusal", "version", "happened_at", "expires_at", "changed_at") VALUES ($1, $2, NULLIF($7, ''), $3, $4, $5, "#,
            $now,
            r#") ON CONFLICT ("kind", "id") DO UPDATE SET "refusal" = excluded."refusal", "version" = excluded."version", "happened_at" = excluded."happened_at", "expires_at" = excluded."expires_at", "changed_at" = "#,
            $now,
            r#" WHERE "known"."expires_at" <= $6 OR ("known"."version", "known"."happened_at", "known"."refusal" IS NOT NULL, "known"."expires_at") < (excluded."version", excluded."happened_at", excluded."refusal" IS NOT NULL, excluded."expires_at")"#,
            $after,
        );
        const ADMIT_DENIED: &'static str = concat!(
            $before,
            r#"UPDATE "clerk_denials" SET "refusal" = NULL, "version" = $3, "happened_at" = $4, "expires_at" = $5, "changed_at" = "#,
            $now,
            r#" WHERE "kind" = $1 AND "id" = $2 AND ("version", "happened_at") < ($3, $4)"#,
            $after,
        );
        const READ_DENIALS: &'static str = concat!(
            r#"SELECT "clock"."now", "denied"."kind", "denied"."id", "denied"."refusal", "denied"."version", "denied"."happened_at", "denied"."expires_at", "denied"."changed_at" FROM (SELECT "#,
            $now,
            r#" AS "now") AS "clock" LEFT JOIN "clerk_denials" AS "denied" ON "denied"."changed_at" > "#,
            $least,
            r#"($1, "clock"."now") - 10000 AND "denied"."expires_at" > $2 ORDER BY "denied"."changed_at" DESC LIMIT $3"#,
        );
    };
}

/// `$before` is the moment a month ago, as `CURRENT_TIMESTAMP` would have written it.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! forget_deliveries {
    ($before:literal) => {
        concat!(
            r#"DELETE FROM "clerk_deliveries" WHERE "id" IN (SELECT "id" FROM "clerk_deliveries" WHERE "received_at" < "#,
            $before,
            r#" ORDER BY "received_at" LIMIT 100)"#,
        )
    };
}

/// A database in which rows can be synced.
pub(crate) trait Dialect: Queries + HasStatementCache {
    /// Begins a transaction that will write.
    const BEGIN: &'static str;

    /// Begins a transaction that waits for a lock a moment only; `None` where a lock is that of the whole file.
    const BEGIN_IMPATIENT: Option<&'static str>;

    /// Whether inserting can be told from updating only in a transaction.
    const UPSERT_IN_TRANSACTION: bool;

    /// Whether triggers change a row only after its statement has returned it.
    const TRIGGERS_RUN_AFTER: bool;

    /// Whether the upsert tells other processes.
    const ANNOUNCES: bool;

    /// Whether several transactions write at once, each holding others off the rows that it has locked; false where a
    /// transaction that [`BEGIN`](Self::BEGIN) began holds off every other writer.
    const LOCKS_ROWS: bool;

    /// Records a denial unless a newer one of its subject is there: kind, id (texts), version, time of the event, end
    /// (parameters 3 to 5) and the present moment (parameter 6) in milliseconds, the refusal's code (text, empty to admit).
    const RECORD_DENIAL: &'static str;

    /// Admits a subject of which there is an older denial: parameters 1 to 5 of [`RECORD_DENIAL`](Self::RECORD_DENIAL).
    const ADMIT_DENIED: &'static str;

    /// Reads what has changed, the newest first: from when on (parameter 1, in milliseconds of the database's clock), the
    /// present moment (parameter 2), and at most how many (parameter 3). Ten seconds more are read than parameter 1 says, and
    /// as many from the present moment if the clock was set back. The first column is the database's clock; if nothing has
    /// changed, the others of the only row are null.
    const READ_DENIALS: &'static str;

    /// Deletes the oldest deliveries that are older than 30 days, a hundred at most.
    const FORGET_DELIVERIES: &'static str;

    /// Runs the upsert and tells whether it inserted; `None` if it returned no row.
    fn upsert<'a, U: StoredIn<Self>>(
        connection: &'a mut Self::Connection,
        clerk_id: &'a str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Option<Upserted<U>>, sqlx::Error>> + Send + 'a;

    /// A text that the handles of this process on one table have in common. `pool` tells pools apart.
    fn place(
        connection: &mut Self::Connection,
        pool: usize,
        table: &str,
    ) -> impl Future<Output = Result<String, sqlx::Error>> + Send;

    /// The parameter of a statement for many users.
    fn many(clerk_ids: &[&str]) -> Result<Self::Arguments, sqlx::Error>;

    /// Returns the columns in the key of the unique index that `error` reports, those of its expressions included. Returns
    /// `None` unless the index is one of `table`'s own, or of a partition of `table`.
    fn violated_columns(
        connection: &mut Self::Connection,
        error: &dyn DatabaseError,
        table: &str,
    ) -> impl Future<Output = Result<Option<Vec<String>>, sqlx::Error>> + Send;

    /// Tells other processes that a row was written; once it is committed, if that is in a transaction.
    fn announce(
        connection: &mut Self::Connection,
        announcement: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

#[cfg(feature = "postgres")]
impl Dialect for sqlx::Postgres {
    const BEGIN: &'static str = "BEGIN";
    const BEGIN_IMPATIENT: Option<&'static str> = Some("BEGIN; SET LOCAL lock_timeout = '100ms'");
    const UPSERT_IN_TRANSACTION: bool = false;
    // A trigger that changes the row before it is written is the usual one.
    const TRIGGERS_RUN_AFTER: bool = false;
    const ANNOUNCES: bool = true;
    const LOCKS_ROWS: bool = true;
    const FORGET_DELIVERIES: &'static str = forget_deliveries!("CURRENT_TIMESTAMP - INTERVAL '30 days'");

    denial_statements! {
        now: "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT",
        least: "LEAST",
        before: r#"WITH "changed" AS ("#,
        after: r#" RETURNING 1) SELECT pg_notify('clerk_auth_denials', '') FROM "changed""#
    }

    async fn upsert<U: StoredIn<Self>>(
        connection: &mut Self::Connection,
        _: &str,
        arguments: Self::Arguments,
    ) -> Result<Option<Upserted<U>>, sqlx::Error> {
        let row = Self::fetch_optional(connection, U::UPSERT, arguments).await?;
        row.map(|row| {
            // `xmax` is zero for a row that no transaction has touched since its insertion, which this statement just
            // did.
            let inserted = bookkeeping::is_inserted::<Self>(&row)?;
            bookkeeping::written::<Self, U>(&row, inserted)
        })
        .transpose()
    }

    // Other pools of this process listen, as other processes do.
    async fn place(_: &mut Self::Connection, pool: usize, table: &str) -> Result<String, sqlx::Error> {
        Ok(format!("postgres {pool:x} {table}"))
    }

    fn many(clerk_ids: &[&str]) -> Result<Self::Arguments, sqlx::Error> {
        let mut arguments = Self::Arguments::default();
        arguments.add(clerk_ids).map_err(sqlx::Error::Encode)?;
        Ok(arguments)
    }

    async fn violated_columns(
        connection: &mut Self::Connection,
        error: &dyn DatabaseError,
        table: &str,
    ) -> Result<Option<Vec<String>>, sqlx::Error> {
        let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() else {
            return Ok(None);
        };
        let (Some(schema), Some(violated), Some(index)) = (error.schema(), error.table(), error.constraint())
        else {
            return Ok(None);
        };
        super::violated::postgres(connection, table, [schema, violated, index]).await
    }

    async fn announce(connection: &mut Self::Connection, announcement: &str) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(announcement)
            .execute(connection)
            .await
            .map(drop)
    }
}

#[cfg(feature = "sqlite")]
impl Dialect for sqlx::Sqlite {
    // Who reads first and then finds another writing could not go on.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_IMPATIENT: Option<&'static str> = None;
    // SQLite has no `xmax`: a look before the upsert tells, and the write lock makes it hold.
    const UPSERT_IN_TRANSACTION: bool = true;
    const TRIGGERS_RUN_AFTER: bool = true;
    const ANNOUNCES: bool = false;
    const LOCKS_ROWS: bool = false;
    const FORGET_DELIVERIES: &'static str = forget_deliveries!("datetime('now', '-30 days')");

    denial_statements! {
        now: "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)",
        least: "MIN",
        before: "",
        after: ""
    }

    async fn upsert<U: StoredIn<Self>>(
        connection: &mut Self::Connection,
        clerk_id: &str,
        arguments: Self::Arguments,
    ) -> Result<Option<Upserted<U>>, sqlx::Error> {
        let existing = Self::fetch_optional(&mut *connection, U::SELECT, Self::key(clerk_id)?).await?;
        let row = Self::fetch_optional(connection, U::UPSERT, arguments).await?;
        row.map(|row| bookkeeping::written::<Self, U>(&row, existing.is_none()))
            .transpose()
    }

    // Nothing can be heard, so that every handle of this process on the file is one of them, whatever its pool is.
    async fn place(
        connection: &mut Self::Connection,
        pool: usize,
        table: &str,
    ) -> Result<String, sqlx::Error> {
        let (schema, table) = table.split_once('.').unwrap_or(("main", table));
        let file: Option<String> =
            sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = ?1 COLLATE NOCASE")
                .bind(schema)
                .fetch_optional(connection)
                .await?;
        let table = table.to_ascii_lowercase();
        Ok(match file.filter(|file| !file.is_empty()) {
            Some(file) => format!("sqlite {table} {file}"),
            // In memory.
            None => format!("sqlite {table} of {pool:x} {schema}"),
        })
    }

    fn many(clerk_ids: &[&str]) -> Result<Self::Arguments, sqlx::Error> {
        let mut arguments = Self::Arguments::default();
        let ids = serde_json::Value::from(clerk_ids).to_string();
        arguments.add(ids).map_err(sqlx::Error::Encode)?;
        Ok(arguments)
    }

    async fn violated_columns(
        connection: &mut Self::Connection,
        error: &dyn DatabaseError,
        table: &str,
    ) -> Result<Option<Vec<String>>, sqlx::Error> {
        super::violated::sqlite(connection, table, error.message()).await
    }

    // The processes of one file share it, and tell each other nothing.
    async fn announce(_: &mut Self::Connection, _: &str) -> Result<(), sqlx::Error> {
        Ok(())
    }
}
