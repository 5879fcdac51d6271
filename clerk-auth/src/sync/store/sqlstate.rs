//! Classifies the errors of a database: no other module interprets error codes.
//!
//! PostgreSQL reports a SQLSTATE of five characters, SQLite a numeric result code. Both may consist of digits alone, so
//! the driver's type distinguishes them.

use std::io;

use sqlx::error::DatabaseError;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgDatabaseError;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::SqliteError;

#[cfg(feature = "postgres")]
use crate::schema::means_lost_statement;

/// The meaning of a database error for the work that failed.
///
/// [`failure`](crate::sync::failure) decides the consequences of each kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorKind {
    /// The database cannot be used: no connection, a shutdown, a full disk.
    Outage,
    /// The connection ended while it was in use. Another connection may work.
    LostConnection,
    /// The connection's prepared statement is older than the schema, or no longer exists. A newly prepared statement
    /// works.
    StaleStatement,
    /// The statement lost a race against another transaction, or did not get a lock in time. A retry succeeds soon.
    Race,
    /// The server has cancelled the statement, for `statement_timeout` for example. Another row may be read at once.
    Cancelled,
    /// The database does not accept this row: a constraint, a trigger, a length, an encoding. A retry fails in the same
    /// way until the data or the table changes. Another row is not affected.
    ///
    /// Includes unique violations. [`conflict`](crate::sync::flow::conflict) handles those of the struct's own table
    /// earlier.
    RefusedData,
    /// The struct's types cannot hold a row of the table. Another row is not affected.
    UnreadableRow,
    /// The server accepts no writes: a standby, or a read-only SQLite file. A failover or an operator ends this. Reads
    /// work.
    ReadOnly,
    /// The database does not accept this statement for any row: a missing table, column or privilege, a policy. An operator
    /// or a migration has to act.
    RefusedStatement,
    /// Any other code: an internal error of the server, or a bug.
    Unknown,
}

/// Classifies an error of sqlx.
pub(crate) fn kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(error) => of_database(&**error),
        sqlx::Error::Io(error) => of_io(error.kind()),
        // An incomplete or unexpected message makes the connection unusable.
        sqlx::Error::Protocol(_) => ErrorKind::LostConnection,
        sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => ErrorKind::Outage,
        // A value that the column's type cannot encode; or an upsert that returned no row, because a trigger skipped
        // it.
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) | sqlx::Error::RowNotFound => {
            ErrorKind::RefusedData
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::UnreadableRow,
        sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => ErrorKind::RefusedStatement,
        _ => ErrorKind::Unknown,
    }
}

/// Classifies a network failure: an open connection was lost, or none could be opened.
fn of_io(error: io::ErrorKind) -> ErrorKind {
    match error {
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => ErrorKind::LostConnection,
        _ => ErrorKind::Outage,
    }
}

/// Classifies an error that the database itself has reported.
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    expect(unused_variables, reason = "there is no database")
)]
fn of_database(error: &dyn DatabaseError) -> ErrorKind {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        let (code, message) = (error.code(), error.message());
        return match code {
            _ if is_stale(code, message, error.routine()) => ErrorKind::StaleStatement,
            // Two transactions changed the same catalogue object.
            "XX000" if message.starts_with("tuple concurrently") => ErrorKind::Race,
            code => of_sqlstate(code),
        };
    }
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<SqliteError>().is_some() {
        return of_result_code(error.code().as_deref());
    }
    ErrorKind::Unknown
}

/// Returns whether a prepared statement, or the driver's copy of a type, is older than the schema. `message` may be in
/// any language, except for the server's internal messages (class XX). `routine` is the function in the server's
/// source.
#[cfg(feature = "postgres")]
fn is_stale(code: &str, message: &str, routine: Option<&str>) -> bool {
    match code {
        // `cached plan must not change result type`.
        "0A000" => routine == Some("RevalidateCachedQuery"),
        // A column of a plan has another type or position by now.
        "42804" => matches!(
            routine,
            Some("CheckVarSlotCompatibility" | "ExecCheckPlanOutput" | "CheckOpSlotCompatibility")
        ),
        // The parameters were encoded for another type.
        "22P03" => true,
        // A type, function or table of a plan was dropped, and perhaps created again.
        "XX000" => {
            message.starts_with("cache lookup failed for")
                || message.starts_with("could not open relation with OID")
        }
        _ => means_lost_statement(code, message),
    }
}

/// Classifies a SQLSTATE of PostgreSQL (its documentation, appendix A). The first two characters are the class.
#[cfg(feature = "postgres")]
fn of_sqlstate(code: &str) -> ErrorKind {
    match code {
        // A standby, or a session that is set to read-only.
        "25006" => return ErrorKind::ReadOnly,
        // The server has ended the connection: its transaction was too old, `pg_terminate_backend` was called, another
        // process crashed, or the connection was idle.
        "25P03" | "25P04" | "57P01" | "57P02" | "57P05" => return ErrorKind::LostConnection,
        // `query_canceled`.
        "57014" => return ErrorKind::Cancelled,
        // A value that is too long for an index, and JSON that is nested too deeply for the server's stack.
        "54000" | "54001" => return ErrorKind::RefusedData,
        // `lock_not_available`: `lock_timeout`, `NOWAIT`. `object_in_use`.
        "55P03" | "55006" => return ErrorKind::Race,
        // `transaction_integrity_constraint_violation`: the only code of class 40 for which a retry does not help.
        "40002" => return ErrorKind::RefusedData,
        // The server of a foreign table cannot be reached.
        "HV00N" => return ErrorKind::Outage,
        _ => {}
    }
    match code.get(..2) {
        // Connection exceptions; refused logins; no such database; resources, intervention, and errors of the system.
        Some("08" | "28" | "3D" | "53" | "57" | "58") => ErrorKind::Outage,
        // Serialization failures and deadlocks; a snapshot that is too old.
        Some("40" | "72") => ErrorKind::Race,
        // Data and integrity; a trigger's own refusal (09, 27, P0); `WITH CHECK OPTION` (44).
        Some("09" | "22" | "23" | "27" | "44" | "P0") => ErrorKind::RefusedData,
        // Not supported; transaction and cursor states; routines; missing objects and privileges; limits of statements;
        // wrong object states; foreign tables.
        Some(
            "0A" | "0B" | "0L" | "0P" | "21" | "24" | "25" | "2B" | "2D" | "2F" | "34" | "38" | "39" | "3B"
            | "3F" | "42" | "54" | "55" | "HV",
        ) => ErrorKind::RefusedStatement,
        _ => ErrorKind::Unknown,
    }
}

/// Classifies a result code of SQLite (its documentation, "Result and Error Codes"). The low byte of an extended code is
/// the primary code.
#[cfg(feature = "sqlite")]
fn of_result_code(code: Option<&str>) -> ErrorKind {
    let Some(code) = code.and_then(|code| code.parse::<u32>().ok()) else {
        return ErrorKind::Unknown;
    };
    match code {
        // SQLITE_ERROR_RETRY, SQLITE_ERROR_SNAPSHOT, SQLITE_BUSY_SNAPSHOT, SQLITE_ABORT_ROLLBACK.
        513 | 769 | 517 | 516 => return ErrorKind::Race,
        _ => {}
    }
    match code & 0xff {
        // BUSY and LOCKED hold up the whole file; NOMEM, IOERR, CORRUPT, FULL, CANTOPEN, NOLFS, NOTADB.
        5 | 6 | 7 | 10 | 11 | 13 | 14 | 22 | 26 => ErrorKind::Outage,
        // INTERRUPT.
        9 => ErrorKind::Cancelled,
        // PROTOCOL (a race for the lock), SCHEMA (another connection has changed the schema).
        15 => ErrorKind::Race,
        17 => ErrorKind::StaleStatement,
        // TOOBIG, CONSTRAINT, MISMATCH.
        18..=20 => ErrorKind::RefusedData,
        // READONLY.
        8 => ErrorKind::ReadOnly,
        // ERROR (no such table or column), PERM, AUTH, RANGE.
        1 | 3 | 23 | 25 => ErrorKind::RefusedStatement,
        _ => ErrorKind::Unknown,
    }
}

/// The database's details of an error besides its message, which contains values.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// The SQLSTATE of PostgreSQL, or the result code of SQLite.
    pub(crate) code: Option<Box<str>>,
    pub(crate) table: Option<Box<str>>,
    pub(crate) constraint: Option<Box<str>>,
    pub(crate) column: Option<Box<str>>,
}

/// Returns the names in an error, without values.
pub(crate) fn details(error: &sqlx::Error) -> Details {
    let error = match error {
        sqlx::Error::Database(error) => error,
        sqlx::Error::ColumnDecode { index, .. } => {
            return Details {
                column: Some(index.trim_matches('"').into()),
                ..Details::default()
            };
        }
        _ => return Details::default(),
    };
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        expect(unused_mut, reason = "there is no database")
    )]
    let mut details = Details {
        code: error.code().map(Into::into),
        table: error.table().map(Into::into),
        constraint: error.constraint().map(Into::into),
        column: None,
    };
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        details.column = error.column().map(Into::into);
    }
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<SqliteError>().is_some() {
        name_from_message(&mut details, error.message());
    }
    details
}

/// Reads the name of a constraint from SQLite's message, such as `CHECK constraint failed: name_is_short`. The message
/// contains no value.
#[cfg(feature = "sqlite")]
fn name_from_message(details: &mut Details, message: &str) {
    let Some((what, name)) = message.split_once(" constraint failed: ") else {
        return;
    };
    match what {
        "CHECK" => details.constraint = Some(name.into()),
        "NOT NULL" | "UNIQUE" => {
            // `users.email, users.tenant`
            let (table, column) = name.split_once('.').unwrap_or(("", name));
            details.table = (!table.is_empty()).then(|| table.into());
            details.column = Some(column.into());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
