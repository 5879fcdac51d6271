//! The tables of codes, each with its kind.

use super::ErrorKind::{
    Cancelled, LostConnection, Outage, Race, ReadOnly, RefusedData, RefusedStatement, StaleStatement,
    Unknown, UnreadableRow,
};
use super::*;

#[cfg(feature = "postgres")]
#[test]
fn each_sqlstate_class_has_a_kind() {
    for (codes, expected) in [
        // Successful completion, warnings and no data, which are never errors.
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
        // Internal errors, configuration files, and codes that an application defines itself.
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
fn stale_statement_is_distinguished_from_other_errors_of_its_code() {
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
        // INTERNAL, ABORT, EMPTY, MISUSE, and strings that are not codes.
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
