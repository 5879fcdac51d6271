//! SQLite's catalogue: the file and its tables.

use std::ops::ControlFlow;

use sqlx::{AssertSqlSafe, Executor, Sqlite, SqliteConnection};

use super::Problem;
use super::live::{Catalogue, Generated, Live, LiveColumn, LiveTable, Needs, quote};

impl Catalogue for Sqlite {
    const CAN_ALTER_COLUMNS: bool = false;

    async fn server(
        connection: &mut SqliteConnection,
        table: &str,
    ) -> Result<ControlFlow<Problem, Vec<Problem>>, sqlx::Error> {
        problems(connection, table).await.map(ControlFlow::Continue)
    }

    // A column may be of any type.
    async fn has_type(_: &mut Self::Connection, _: &str) -> Result<bool, sqlx::Error> {
        Ok(true)
    }

    async fn live_table(
        connection: &mut SqliteConnection,
        table: &str,
        _: Needs,
    ) -> Result<Live, sqlx::Error> {
        let path = table;
        let (schema, table) = split(table);
        let kind: Option<(String, bool)> =
            sqlx::query_as("SELECT type, wr FROM pragma_table_list(?1) WHERE schema = ?2")
                .bind(table)
                .bind(schema)
                .fetch_optional(&mut *connection)
                .await?;
        let Some((kind, is_without_rowid)) = kind else {
            return Ok(Live::missing());
        };
        let unusable = match &*kind {
            "view" => Some("a view, in which SQLite has no upsert"),
            "virtual" => Some("a virtual table, in which SQLite has no upsert"),
            "shadow" => Some("a shadow table of a virtual table"),
            _ => None,
        };
        // `table_info` omits generated columns; in `table_xinfo`, `hidden` is 2 for a virtual and 3 for a stored
        // column. A primary key is the rowid only if it is a single `INTEGER` column and the table has rowids.
        let columns: Vec<ColumnRow> = sqlx::query_as(
            "SELECT name, type, \"notnull\" OR pk, dflt_value IS NOT NULL OR hidden IN (2, 3) OR (pk AND NOT ?3 \
             AND upper(type) = 'INTEGER' AND (SELECT count(*) FROM pragma_table_info(?1, ?2) WHERE pk) = 1), hidden, pk > 0 \
             FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1",
        )
        .bind(table)
        .bind(schema)
        .bind(is_without_rowid)
        .fetch_all(&mut *connection)
        .await?;
        // An `INTEGER PRIMARY KEY` has no index in the list.
        let unique: Vec<String> = sqlx::query_scalar(
            "SELECT (SELECT name FROM pragma_index_info(l.name, ?2)) FROM pragma_index_list(?1, ?2) l \
             WHERE l.\"unique\" AND NOT l.partial AND (SELECT count(*) FROM pragma_index_info(l.name, ?2)) = 1 \
             AND (SELECT name FROM pragma_index_info(l.name, ?2)) IS NOT NULL \
             UNION SELECT name FROM pragma_table_info(?1, ?2) \
             WHERE pk AND (SELECT count(*) FROM pragma_table_info(?1, ?2) WHERE pk) = 1",
        )
        .bind(table)
        .bind(schema)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Live::Table(LiveTable {
            unusable: unusable.map(|kind| Problem {
                message: format!("`{path}` is {kind}; name the table with `table = \"…\"`"),
                fix: None,
            }),
            columns: columns.into_iter().map(column).collect(),
            unique,
            ..LiveTable::default()
        }))
    }
}

/// Lists the faults that prevent writes to the file of a table.
async fn problems(connection: &mut SqliteConnection, table: &str) -> Result<Vec<Problem>, sqlx::Error> {
    let (schema, _) = split(table);
    let query_only: i64 = sqlx::query_scalar("PRAGMA query_only")
        .fetch_one(&mut *connection)
        .await?;
    if query_only != 0 {
        return Ok(vec![Problem {
            message: "the connection only reads, because `PRAGMA query_only` is on".to_owned(),
            fix: Some("PRAGMA query_only = OFF".to_owned()),
        }]);
    }
    let schema = quote(schema);
    let version = format!("PRAGMA {schema}.user_version");
    let Ok(version) = sqlx::query_scalar::<_, i64>(AssertSqlSafe(version))
        .fetch_one(&mut *connection)
        .await
    else {
        // The database is not attached; the search for the table reports that.
        return Ok(Vec::new());
    };
    // Only a write shows whether the file and its journal can be written. This write changes nothing, and is rolled
    // back. The check does not wait for another writer: an active writer proves that writing works.
    let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout")
        .fetch_one(&mut *connection)
        .await?;
    let write = format!("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; PRAGMA {schema}.user_version = {version}");
    let written = connection.execute(sqlx::raw_sql(AssertSqlSafe(write))).await;
    // Without a transaction there is nothing to roll back.
    drop(connection.execute(sqlx::raw_sql("ROLLBACK")).await);
    let wait = format!("PRAGMA busy_timeout = {patience}");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(wait))).await?;
    let Err(sqlx::Error::Database(error)) = written else {
        return written.map(|_| Vec::new());
    };
    // The primary result codes: 8 is `SQLITE_READONLY`, 10 `SQLITE_IOERR`, 14 `SQLITE_CANTOPEN`.
    let code = error
        .code()
        .and_then(|code| code.parse::<i32>().ok())
        .unwrap_or(0)
        & 0xff;
    Ok(if matches!(code, 8 | 10 | 14) {
        vec![Problem {
            message: format!(
                "the file cannot be written ({error}): open it without `mode=ro` and `immutable`, and let the \
                 application's user write the file and its folder"
            ),
            fix: None,
        }]
    } else {
        Vec::new()
    })
}

/// Name, type, `NOT NULL`, has a default, kind of generation, is part of the primary key.
type ColumnRow = (String, String, bool, bool, i64, bool);

fn column((name, sql_type, not_null, has_default, hidden, is_primary_key): ColumnRow) -> LiveColumn {
    LiveColumn {
        name,
        sql_type,
        not_null,
        is_primary_key,
        has_default,
        is_readable: true,
        generated: match hidden {
            2 => Some(Generated::Virtual),
            3 => Some(Generated::Stored),
            _ => None,
        },
        forbidden_schema: None,
        forbidden_sequence: None,
    }
}

/// Splits a path into the attached database and its table.
fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or(("main", path))
}
