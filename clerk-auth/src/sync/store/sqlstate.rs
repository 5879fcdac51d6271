//! Classifies the errors of a database: the one place that knows error codes.
//!
//! PostgreSQL reports a SQLSTATE of five characters, SQLite a result code, which is a number. Either may consist of digits
//! alone, so the driver's type decides which of the two a code is.

use std::io;

use sqlx::error::DatabaseError;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgDatabaseError;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::SqliteError;

#[cfg(feature = "postgres")]
use crate::schema::means_lost_statement;

/// What an error of the database means for the work that failed.
///
/// What follows from each kind is decided in [`failure`](crate::sync::failure).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorKind {
    /// The database cannot be used: no connection, a shutdown, a full disk.
    Outage,
    /// The connection ended while it was in use. Another connection may work.
    LostConnection,
    /// The connection's prepared statement is older than the schema, or is not there any more. A statement that is prepared
    /// anew works.
    StaleStatement,
    /// The statement lost a race against another transaction, or did not get a lock in time. A retry succeeds soon.
    Race,
    /// The server has cancelled the statement, for `statement_timeout` for example. Another row may be read at once.
    Cancelled,
    /// The database does not accept this row: a constraint, a trigger, a length, an encoding. A retry fails in the same
    /// way until the data or the table changes. Another row is not affected.
    ///
    /// A violated unique index is of this kind too. Whether the index belongs to the struct's own table, and what follows
    /// from that, is decided before: see [`conflict`](crate::sync::flow::conflict).
    RefusedData,
    /// The struct's types cannot hold a row of the table. Another row is not affected.
    UnreadableRow,
    /// The server does not accept writes: a standby, or a SQLite file that is read-only. A failover, or an operator, ends
    /// this. Reads work.
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
        // Half a message, or one that the driver did not expect: the connection is of no more use.
        sqlx::Error::Protocol(_) => ErrorKind::LostConnection,
        sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => ErrorKind::Outage,
        // A value that the column's type cannot encode, and an upsert that returned no row: a trigger kept it out.
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

/// Classifies a failure of the network. A connection that was open ends in other ways than one that cannot be opened.
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

/// Classifies what the database itself has reported.
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
            // Two transactions have changed one object of the catalogue.
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

/// Whether a prepared statement, or what the driver remembers of a type, is older than the schema. `message` may be in any
/// language; the server's internal messages (class XX) are always in English, and `routine` is the function in its source.
#[cfg(feature = "postgres")]
fn is_stale(code: &str, message: &str, routine: Option<&str>) -> bool {
    match code {
        // `cached plan must not change result type`.
        "0A000" => routine == Some("RevalidateCachedQuery"),
        // A column of a plan has another type by now, or another place.
        "42804" => matches!(
            routine,
            Some("CheckVarSlotCompatibility" | "ExecCheckPlanOutput" | "CheckOpSlotCompatibility")
        ),
        // Parameters encoded for another type.
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
        // A standby, or a session that was told to be read-only.
        "25006" => return ErrorKind::ReadOnly,
        // The server has ended the connection: for the age of its transaction, by `pg_terminate_backend`, after a crash of
        // another process, or because it was idle.
        "25P03" | "25P04" | "57P01" | "57P02" | "57P05" => return ErrorKind::LostConnection,
        // `query_canceled`.
        "57014" => return ErrorKind::Cancelled,
        // A value that is too long for an index, and JSON that is nested too deeply for the server's stack.
        "54000" | "54001" => return ErrorKind::RefusedData,
        // `lock_not_available`: `lock_timeout`, `NOWAIT`. `object_in_use`.
        "55P03" | "55006" => return ErrorKind::Race,
        // `transaction_integrity_constraint_violation`: the only code of class 40 that a retry does not help.
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

/// What a database says of a refusal beside its message, which holds values.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// The SQLSTATE of PostgreSQL, or the result code of SQLite.
    pub(crate) code: Option<Box<str>>,
    pub(crate) table: Option<Box<str>>,
    pub(crate) constraint: Option<Box<str>>,
    pub(crate) column: Option<Box<str>>,
}

/// The names in an error. It holds no value.
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

/// SQLite names a constraint in its message only, `CHECK constraint failed: name_is_short`, and without any value.
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
mod tests {
    use super::ErrorKind::{
        Cancelled, LostConnection, Outage, Race, ReadOnly, RefusedData, RefusedStatement, StaleStatement,
        Unknown, UnreadableRow,
    };
    use super::*;

    #[cfg(feature = "postgres")]
    #[test]
    fn each_sqlstate_class_has_a_kind() {
        for (codes, expected) in [
            // Successful completion, warnings, no data: never an error.
            ("00000 01000 02000", Unknown),
            ("08000 08001 08003 08004 08006 08007 08P01", Outage),
            ("28000 28P01 3D000", Outage),
            ("53000 53100 53200 53300 53400", Outage),
            ("57000 57P03 57P04", Outage),
            ("25P03 25P04 57P01 57P02 57P05", LostConnection),
            ("57014", Cancelled),
            ("58000 58030 58P01 58P02", Outage),
            ("HV00N", Outage),
            ("40000 40001 40003 40P01 55P03 55006 72000", Race),
            ("25006", ReadOnly),
            ("22000 22001 22003 22007 22021 22P02 22P05 22023", RefusedData),
            (
                "23000 23001 23502 23503 23505 23514 23P01 40002 44000",
                RefusedData,
            ),
            ("09000 27000 P0000 P0001 P0002 P0003 P0004", RefusedData),
            ("54000 54001", RefusedData),
            (
                "0A000 0B000 0L000 0P000 21000 24000 2BP01 2D000 2F005",
                RefusedStatement,
            ),
            (
                "25000 25001 25P01 25P02 34000 38000 39P01 3B001 3F000",
                RefusedStatement,
            ),
            (
                "42000 42501 42601 42703 42804 42883 42P01 42P05 42P10",
                RefusedStatement,
            ),
            ("54011 54023 55000 HV000", RefusedStatement),
            // Internal errors, configuration files, and whatever an application raises under a code of its own.
            ("XX000 XX001 F0000 U0001 99999 1 517 2067 x é", Unknown),
            ("", Unknown),
        ] {
            for code in codes.split(' ') {
                assert_eq!(of_sqlstate(code), expected, "{code}");
            }
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn stale_statement_is_told_from_other_errors_of_its_code() {
        for (code, message, routine, expected) in [
            (
                "0A000",
                "der gespeicherte Plan",
                Some("RevalidateCachedQuery"),
                true,
            ),
            (
                "0A000",
                "cannot insert into view",
                Some("rewriteTargetView"),
                false,
            ),
            ("0A000", "not supported", None, false),
            (
                "26000",
                "prepared statement \"sqlx_s_1\" does not exist",
                Some("FetchPreparedStatement"),
                true,
            ),
            (
                "42P05",
                "prepared statement \"sqlx_s_1\" already exists",
                None,
                true,
            ),
            (
                "42804",
                "attribute 2 of type users has wrong type",
                Some("CheckVarSlotCompatibility"),
                true,
            ),
            (
                "42804",
                "column is of type integer",
                Some("transformAssignedExpr"),
                false,
            ),
            (
                "08P01",
                "bind message supplies 2 parameters",
                Some("exec_bind_message"),
                true,
            ),
            ("08P01", "invalid message format", None, false),
            ("22P03", "incorrect binary data format", None, true),
            ("XX000", "cache lookup failed for type 16385", None, true),
            ("XX000", "cache lookup failed for function 16385", None, true),
            ("XX000", "could not open relation with OID 16385", None, true),
            ("XX000", "tuple concurrently updated", None, false),
            ("42501", "permission denied", None, false),
        ] {
            assert_eq!(is_stale(code, message, routine), expected, "{code} {message}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn names_are_read_from_a_message_of_sqlite() {
        for (message, expected) in [
            (
                "CHECK constraint failed: name_is_short",
                (None, Some("name_is_short"), None),
            ),
            (
                "NOT NULL constraint failed: users.email",
                (Some("users"), None, Some("email")),
            ),
            ("FOREIGN KEY constraint failed", (None, None, None)),
            ("a trigger says: Ada", (None, None, None)),
        ] {
            let mut details = Details::default();
            name_from_message(&mut details, message);
            let found = (
                details.table.as_deref(),
                details.constraint.as_deref(),
                details.column.as_deref(),
            );
            assert_eq!(found, expected, "{message}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn each_result_code_has_a_kind() {
        for (codes, expected) in [
            // BUSY, BUSY_RECOVERY, BUSY_TIMEOUT, LOCKED, LOCKED_SHAREDCACHE, NOMEM, IOERR, IOERR_FSYNC, CORRUPT, FULL,
            // CANTOPEN, CANTOPEN_ISDIR, NOLFS, NOTADB.
            ("5 261 773 6 262 7 10 1034 11 13 14 526 22 26", Outage),
            // ERROR_RETRY, ERROR_SNAPSHOT, BUSY_SNAPSHOT, ABORT_ROLLBACK, PROTOCOL.
            ("513 769 517 516 15", Race),
            // SCHEMA.
            ("17", StaleStatement),
            // INTERRUPT.
            ("9", Cancelled),
            // READONLY, READONLY_RECOVERY, READONLY_DBMOVED.
            ("8 264 1032", ReadOnly),
            // TOOBIG, CONSTRAINT and its CHECK, FOREIGNKEY, NOTNULL, PRIMARYKEY, TRIGGER, UNIQUE, DATATYPE, MISMATCH.
            ("18 19 275 787 1299 1555 1811 2067 3091 20", RefusedData),
            // ERROR, PERM, AUTH, AUTH_USER, RANGE.
            ("1 3 23 279 25", RefusedStatement),
            // INTERNAL, ABORT, EMPTY, MISUSE, and what is no code.
            ("2 4 16 21 -1 x", Unknown),
        ] {
            for code in codes.split(' ') {
                assert_eq!(of_result_code(Some(code)), expected, "{code}");
            }
        }
        assert_eq!(of_result_code(None), Unknown);
    }

    #[test]
    fn errors_of_the_driver_have_a_kind() {
        for (error, expected) in [
            (sqlx::Error::PoolTimedOut, Outage),
            (sqlx::Error::PoolClosed, Outage),
            (sqlx::Error::WorkerCrashed, Outage),
            (sqlx::Error::Io(io::ErrorKind::ConnectionRefused.into()), Outage),
            (sqlx::Error::Io(io::ErrorKind::TimedOut.into()), Outage),
            (sqlx::Error::Io(io::ErrorKind::BrokenPipe.into()), LostConnection),
            (
                sqlx::Error::Io(io::ErrorKind::UnexpectedEof.into()),
                LostConnection,
            ),
            (sqlx::Error::Protocol("half a message".to_owned()), LostConnection),
            (sqlx::Error::RowNotFound, RefusedData),
            (sqlx::Error::Encode("a value".into()), RefusedData),
            (sqlx::Error::Decode("a row".into()), UnreadableRow),
            (sqlx::Error::ColumnNotFound("email".to_owned()), RefusedStatement),
        ] {
            assert_eq!(kind(&error), expected, "{error}");
        }
    }
}
