//! The differences between the two databases.

use std::future::Future;

use sqlx::Arguments;
use sqlx::database::HasStatementCache;
use sqlx::error::DatabaseError;

use super::after_triggers::AfterTriggers;
use super::bookkeeping;
#[cfg(feature = "backend-api")]
use super::comparison::Comparison;
use super::queries::Queries;
use crate::row::StoredIn;
#[cfg(feature = "postgres")]
use crate::sync::model::announcement::CHANNEL;
use crate::sync::model::row::Upserted;

/// True if both the known row and the new one report the end of a membership. The later time decides which tokens are
/// older.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! ended_twice {
    () => {
        r#"("known"."refusal" = 'membership_ended' AND excluded."refusal" = 'membership_ended' AND "known"."expires_at" > $6)"#
    };
}

/// The start of the range to read. A subquery is evaluated once, so that the index can be used although PostgreSQL's
/// clock is volatile.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! changes_since {
    ($now:literal, $least:literal) => {
        concat!("(SELECT ", $least, "($1, ", $now, ") - 10000)")
    };
}

/// The statements of the table of denials. The arguments are SQL texts: the current time in milliseconds, the lesser of
/// two numbers, and the text around a statement that changes the table.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! denial_statements {
    (now: $now:literal, least: $least:literal, before: $before:literal, after: $after:literal) => {
        const RECORD_DENIAL: &'static str = concat!(
            $before,
            r#"INSERT INTO "clerk_denials" AS "known" ("kind", "id", "refusal", "version", "happened_at", "expires_at", "changed_at") VALUES ($1, $2, NULLIF($7, ''), $3, $4, $5, "#,
            $now,
            r#") ON CONFLICT ("kind", "id") DO UPDATE SET "refusal" = excluded."refusal", "version" = CASE WHEN "#,
            ended_twice!(),
            r#" AND "known"."version" > excluded."version" THEN "known"."version" ELSE excluded."version" END, "happened_at" = CASE WHEN "#,
            ended_twice!(),
            r#" AND "known"."happened_at" > excluded."happened_at" THEN "known"."happened_at" ELSE excluded."happened_at" END, "expires_at" = excluded."expires_at", "changed_at" = "#,
            $now,
            r#" WHERE "known"."expires_at" <= $6 OR ("known"."version", "known"."happened_at", "known"."refusal" IS NOT NULL, COALESCE("known"."refusal" NOT LIKE '=%', FALSE), "known"."expires_at") < (excluded."version", excluded."happened_at", excluded."refusal" IS NOT NULL, COALESCE(excluded."refusal" NOT LIKE '=%', FALSE), excluded."expires_at") OR ("#,
            ended_twice!(),
            r#" AND "known"."happened_at" < excluded."happened_at")"#,
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
            r#" AS "now") AS "clock" LEFT JOIN (SELECT * FROM (SELECT * FROM "clerk_denials" WHERE "kind" IN ('session', 'user') AND "changed_at" > "#,
            changes_since!($now, $least),
            r#" AND "expires_at" > $2 ORDER BY "changed_at" DESC LIMIT $3) AS "barred" UNION ALL SELECT * FROM (SELECT * FROM "clerk_denials" WHERE "kind" NOT IN ('session', 'user') AND "changed_at" > "#,
            changes_since!($now, $least),
            r#" AND "expires_at" > $2 ORDER BY "changed_at" DESC LIMIT $3) AS "corrected") AS "denied" ON TRUE ORDER BY "denied"."changed_at" DESC"#,
        );
    };
}

/// `$before` is the time a month ago, in the format of `CURRENT_TIMESTAMP`.
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

    /// Drops the prepared statements of a session: the first outside of a transaction, the second inside a failed one.
    /// The second replaces the failed transaction by an empty one. `None` if the database itself prepares stale
    /// statements again.
    const DROP_STATEMENTS: Option<[&'static str; 2]>;

    /// True if an insert can be distinguished from an update only in a transaction.
    const UPSERT_IN_TRANSACTION: bool;

    /// True if the upsert notifies other processes.
    const ANNOUNCES: bool;

    /// True if several transactions can write at once, and block each other only at locked rows. False if a transaction
    /// that [`BEGIN`](Self::BEGIN) began blocks every other writer.
    const LOCKS_ROWS: bool;

    /// Records a denial unless there is a newer one of its subject. Parameters: kind and id (texts), version, time of
    /// the event and end (3 to 5), current time (6) in milliseconds, effect (text, empty to admit). Between events at
    /// the same moment, an effect that begins with `=` is less strict than another.
    const RECORD_DENIAL: &'static str;

    /// Admits a subject with an older denial: parameters 1 to 5 of [`RECORD_DENIAL`](Self::RECORD_DENIAL).
    const ADMIT_DENIED: &'static str;

    /// Reads the changes, newest first. Parameters: the start in milliseconds of the database's clock, the current
    /// time, and the maximum number of changes. The maximum applies to users and sessions together, and again to all
    /// others. The range begins ten seconds before the start, or before the current time if the clock was set back. The
    /// first column is the database's clock. Without changes, the other columns of the only row are null.
    const READ_DENIALS: &'static str;

    /// The literal for false.
    #[cfg(feature = "backend-api")]
    const FALSE: &'static str;

    /// The texts of [`many`](Self::many) as a table: their indexes from 1, and their values.
    #[cfg(feature = "backend-api")]
    const TEXTS: &'static str;

    /// Deletes at most a hundred deliveries that are older than 30 days, oldest first.
    const FORGET_DELIVERIES: &'static str;

    /// Runs the upsert. Returns the row and whether it was inserted; `None` if the statement returned no row.
    fn upsert<'a, U: StoredIn<Self>>(
        connection: &'a mut Self::Connection,
        clerk_id: &'a str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Option<Upserted<U>>, sqlx::Error>> + Send + 'a;

    /// Returns a string that is equal for all handles of this process on one table. `pool` distinguishes pools.
    fn place(
        connection: &mut Self::Connection,
        pool: usize,
        table: &str,
    ) -> impl Future<Output = Result<String, sqlx::Error>> + Send;

    /// Returns the triggers of a table that may change a row after its statement has returned it.
    fn after_triggers(
        connection: &mut Self::Connection,
        table: &str,
    ) -> impl Future<Output = Result<AfterTriggers, sqlx::Error>> + Send;

    /// Returns the parameter of a statement for many users.
    fn many(clerk_ids: &[&str]) -> Result<Self::Arguments, sqlx::Error>;

    /// Returns the comparison of a column with texts.
    #[cfg(feature = "backend-api")]
    fn comparison(
        connection: &mut Self::Connection,
        table: &str,
        column: &str,
    ) -> impl Future<Output = Result<Comparison, sqlx::Error>> + Send;

    /// Returns the columns in the key of the unique index that `error` reports, including those in expressions. Returns
    /// `None` unless the index belongs to `table` or one of its partitions.
    fn violated_columns(
        connection: &mut Self::Connection,
        error: &dyn DatabaseError,
        table: &str,
    ) -> impl Future<Output = Result<Option<Vec<String>>, sqlx::Error>> + Send;

    /// Notifies other processes that a row was written; in a transaction, after the commit.
    fn announce(
        connection: &mut Self::Connection,
        announcement: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

#[cfg(feature = "postgres")]
impl Dialect for sqlx::Postgres {
    const BEGIN: &'static str = "BEGIN";
    const DROP_STATEMENTS: Option<[&'static str; 2]> =
        Some(["DEALLOCATE ALL", "ROLLBACK; DEALLOCATE ALL; BEGIN"]);
    const UPSERT_IN_TRANSACTION: bool = false;
    const ANNOUNCES: bool = true;
    const LOCKS_ROWS: bool = true;
    #[cfg(feature = "backend-api")]
    const FALSE: &'static str = "false";
    #[cfg(feature = "backend-api")]
    const TEXTS: &'static str = r#"unnest($1::text[]) WITH ORDINALITY AS "clerk_value"("value", "place")"#;
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
            // `xmax` is zero for a row that no transaction has touched since its insertion, that is, for a row that
            // this statement inserted.
            let inserted = bookkeeping::is_inserted::<Self>(&row)?;
            bookkeeping::written::<Self, U>(&row, inserted)
        })
        .transpose()
    }

    // The address of the pool is part of the place, because other pools of this process listen like other processes.
    async fn place(_: &mut Self::Connection, pool: usize, table: &str) -> Result<String, sqlx::Error> {
        Ok(format!("postgres {pool:x} {table}"))
    }

    async fn after_triggers(
        connection: &mut Self::Connection,
        table: &str,
    ) -> Result<AfterTriggers, sqlx::Error> {
        AfterTriggers::read(connection, table).await
    }

    #[cfg(feature = "backend-api")]
    async fn comparison(
        connection: &mut Self::Connection,
        table: &str,
        column: &str,
    ) -> Result<Comparison, sqlx::Error> {
        super::comparison::postgres(connection, table, column).await
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
    // A deferred transaction could not continue if another writer came between its read and its write.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const DROP_STATEMENTS: Option<[&'static str; 2]> = None;
    // SQLite has no `xmax`: a read before the upsert shows whether the row existed, and the write lock keeps that
    // valid.
    const UPSERT_IN_TRANSACTION: bool = true;
    const ANNOUNCES: bool = false;
    const LOCKS_ROWS: bool = false;
    #[cfg(feature = "backend-api")]
    const FALSE: &'static str = "0";
    #[cfg(feature = "backend-api")]
    const TEXTS: &'static str =
        r#"(SELECT "key" + 1 AS "place", "value" FROM json_each($1)) AS "clerk_value""#;
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

    // SQLite has no notifications, so all handles of this process on the file share a place, whatever their pools.
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

    // `RETURNING` returns a row as it was before all triggers, so triggers that are created later count too.
    async fn after_triggers(_: &mut Self::Connection, _: &str) -> Result<AfterTriggers, sqlx::Error> {
        Ok(AfterTriggers {
            exist: true,
            are_deferrable: false,
        })
    }

    // A comparison uses the collation and the affinity of its first operand.
    #[cfg(feature = "backend-api")]
    async fn comparison(_: &mut Self::Connection, _: &str, _: &str) -> Result<Comparison, sqlx::Error> {
        Ok(Comparison::Plain)
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

    // SQLite has no notifications.
    async fn announce(_: &mut Self::Connection, _: &str) -> Result<(), sqlx::Error> {
        Ok(())
    }
}
