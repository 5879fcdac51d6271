//! Classifies the errors of a database: the one place that knows error codes.
//!
//! PostgreSQL reports a SQLSTATE of five characters, SQLite a result code, which is a number. Either may consist of digits
//! alone, so the driver's type decides which of the two a code is.

use sqlx::error::DatabaseError;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgDatabaseError;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::SqliteError;

/// What an error of the database means for the work that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ErrorKind {
    /// The database cannot be used: no connection, a shutdown, a full disk, a cancelled statement. Counts for the circuit
    /// breaker. A retry may succeed.
    Outage,
    /// The statement lost a race against another transaction, or did not get a lock in time. A retry succeeds soon.
    Race,
    /// The database does not accept this row: a constraint, a trigger, a length, an encoding. A retry fails in the same
    /// way until the data or the table changes. Another row is not affected.
    ///
    /// A violated unique index is of this kind too. Whether the index belongs to the struct's own table, and what follows
    /// from that, is decided before: see [`conflict`](super::conflict).
    RefusedData,
    /// The server does not accept writes: a standby, or a SQLite file that is read-only. A failover, or an operator, ends
    /// this. Reads work, so the circuit breaker does not count it.
    ReadOnly,
    /// The database does not accept this statement for any row: a missing table, column or privilege. An operator or a
    /// migration has to act.
    RefusedStatement,
    /// Any other code. Treated as the failure of one statement: answered with 503, never acknowledged as delivered, not
    /// counted for the circuit breaker, not retried here.
    Unknown,
}

/// Classifies an error of sqlx.
pub(super) fn kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(error) => of_database(&**error),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => ErrorKind::Outage,
        // A value that the column's type cannot encode, and an upsert that returned no row: a trigger kept it out.
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) | sqlx::Error::RowNotFound => {
            ErrorKind::RefusedData
        }
        sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => ErrorKind::RefusedStatement,
        _ => ErrorKind::Unknown,
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
        return of_sqlstate(error.code());
    }
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<SqliteError>().is_some() {
        return of_result_code(error.code().as_deref());
    }
    ErrorKind::Unknown
}

/// Classifies a SQLSTATE of PostgreSQL (its documentation, appendix A). The first two characters are the class.
#[cfg(feature = "postgres")]
fn of_sqlstate(code: &str) -> ErrorKind {
    match code {
        // A standby, or a session that was told to be read-only.
        "25006" => return ErrorKind::ReadOnly,
        // The server has ended the connection, or the transaction, for its age.
        "25P03" | "25P04" => return ErrorKind::Outage,
        // A value that is too long for an index, and JSON that is nested too deeply for the server's stack.
        "54000" | "54001" => return ErrorKind::RefusedData,
        // `lock_not_available`: `lock_timeout`, `NOWAIT`.
        "55P03" => return ErrorKind::Race,
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
            "0A" | "0B" | "0L" | "0P" | "21" | "24" | "25" | "26" | "2B" | "2D" | "2F" | "34" | "38" | "39"
            | "3B" | "3F" | "42" | "54" | "55" | "HV",
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
        // PROTOCOL (a race for the lock), SCHEMA (another connection has changed the schema).
        15 | 17 => ErrorKind::Race,
        // TOOBIG, CONSTRAINT, MISMATCH.
        18..=20 => ErrorKind::RefusedData,
        // READONLY.
        8 => ErrorKind::ReadOnly,
        // ERROR (no such table or column), PERM, AUTH, RANGE.
        1 | 3 | 23 | 25 => ErrorKind::RefusedStatement,
        _ => ErrorKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind::{Outage, Race, ReadOnly, RefusedData, RefusedStatement, Unknown};
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
            ("57000 57014 57P01 57P02 57P03 57P04 57P05", Outage),
            ("58000 58030 58P01 58P02", Outage),
            ("25P03 25P04 HV00N", Outage),
            ("40000 40001 40003 40P01 55P03 72000", Race),
            ("25006", ReadOnly),
            ("22000 22001 22003 22007 22021 22P02 22P05 22023", RefusedData),
            (
                "23000 23001 23502 23503 23505 23514 23P01 40002 44000",
                RefusedData,
            ),
            ("09000 27000 P0000 P0001 P0002 P0003 P0004", RefusedData),
            ("54000 54001", RefusedData),
            (
                "0A000 0B000 0L000 0P000 21000 24000 26000 2BP01 2D000 2F005",
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
            ("54011 54023 55000 55006 HV000", RefusedStatement),
            // Internal errors, configuration files, and whatever an application raises under a code of its own.
            ("XX000 XX001 F0000 U0001 99999 1 517 2067 x é", Unknown),
            ("", Unknown),
        ] {
            for code in codes.split(' ') {
                assert_eq!(of_sqlstate(code), expected, "{code}");
            }
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn each_result_code_has_a_kind() {
        for (codes, expected) in [
            // BUSY, BUSY_RECOVERY, BUSY_TIMEOUT, LOCKED, LOCKED_SHAREDCACHE, NOMEM, IOERR, IOERR_FSYNC, CORRUPT, FULL,
            // CANTOPEN, CANTOPEN_ISDIR, NOLFS, NOTADB.
            ("5 261 773 6 262 7 10 1034 11 13 14 526 22 26", Outage),
            // ERROR_RETRY, ERROR_SNAPSHOT, BUSY_SNAPSHOT, ABORT_ROLLBACK, PROTOCOL, SCHEMA.
            ("513 769 517 516 15 17", Race),
            // READONLY, READONLY_RECOVERY, READONLY_DBMOVED.
            ("8 264 1032", ReadOnly),
            // TOOBIG, CONSTRAINT and its CHECK, FOREIGNKEY, NOTNULL, PRIMARYKEY, TRIGGER, UNIQUE, DATATYPE, MISMATCH.
            ("18 19 275 787 1299 1555 1811 2067 3091 20", RefusedData),
            // ERROR, PERM, AUTH, AUTH_USER, RANGE.
            ("1 3 23 279 25", RefusedStatement),
            // INTERNAL, ABORT, INTERRUPT, EMPTY, MISUSE, and what is no code.
            ("2 4 9 16 21 -1 x", Unknown),
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
            (sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into()), Outage),
            (sqlx::Error::Protocol("half a message".to_owned()), Outage),
            (sqlx::Error::RowNotFound, RefusedData),
            (sqlx::Error::Encode("a value".into()), RefusedData),
            (sqlx::Error::Decode("a row".into()), Unknown),
            (sqlx::Error::ColumnNotFound("email".to_owned()), RefusedStatement),
        ] {
            assert_eq!(kind(&error), expected, "{error}");
        }
    }
}
