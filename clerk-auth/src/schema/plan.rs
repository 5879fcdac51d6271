//! Makes the live database plan each statement, with the real parameter types, without running it.

use std::future::Future;

#[cfg(feature = "sqlite")]
use sqlx::Executor;
use sqlx::error::BoxDynError;
#[cfg(feature = "postgres")]
use sqlx::{Arguments as _, Connection as _};
use sqlx::{AssertSqlSafe, Database};

use super::Problem;
use super::live::{quote, quote_path};
use crate::row::{Parameter, Statement};

/// Adds a null of the type of a column, by its index, to a statement's parameters.
pub(super) type AddColumn<DB> = fn(usize, &mut <DB as Database>::Arguments) -> Result<(), BoxDynError>;

/// A database that can plan a statement without running it.
pub(crate) trait Explain: Database {
    /// Adds a null for a parameter that is not a column.
    fn add_null(parameter: Parameter, arguments: &mut Self::Arguments) -> Result<(), BoxDynError>;

    /// Plans the statements. Returns the database's error for each statement, if any.
    fn explain(
        connection: &mut Self::Connection,
        statements: Vec<(&'static str, Self::Arguments)>,
    ) -> impl Future<Output = Result<Vec<Option<sqlx::Error>>, sqlx::Error>> + Send;
}

#[cfg(feature = "postgres")]
impl Explain for sqlx::Postgres {
    fn add_null(parameter: Parameter, arguments: &mut Self::Arguments) -> Result<(), BoxDynError> {
        match parameter {
            Parameter::Text => arguments.add(None::<String>),
            Parameter::Texts => arguments.add(None::<Vec<String>>),
            Parameter::Integer => arguments.add(None::<i64>),
            Parameter::Column(_) => Ok(()),
        }
    }

    async fn explain(
        connection: &mut Self::Connection,
        statements: Vec<(&'static str, Self::Arguments)>,
    ) -> Result<Vec<Option<sqlx::Error>>, sqlx::Error> {
        let mut errors = Vec::with_capacity(statements.len());
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            // A transaction keeps sqlx's messages on one session behind a transaction-mode pooler. An error ends the
            // transaction.
            let mut transaction = connection.begin().await?;
            for (sql, arguments) in statements.by_ref() {
                // The text is a constant of the derive or of this crate. EXPLAIN checks privileges too.
                let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
                let explained = sqlx::query_with(explain, arguments)
                    .persistent(false)
                    .fetch_all(&mut *transaction)
                    .await;
                let failed = explained.is_err();
                errors.push(explained.err());
                if failed {
                    break;
                }
            }
            transaction.rollback().await?;
        }
        Ok(errors)
    }
}

#[cfg(feature = "sqlite")]
impl Explain for sqlx::Sqlite {
    // Parameters have no types, and unbound ones are null.
    fn add_null(_: Parameter, _: &mut Self::Arguments) -> Result<(), BoxDynError> {
        Ok(())
    }

    async fn explain(
        connection: &mut Self::Connection,
        statements: Vec<(&'static str, Self::Arguments)>,
    ) -> Result<Vec<Option<sqlx::Error>>, sqlx::Error> {
        // EXPLAIN compiles a statement against the connection's cached schema, which a read refreshes.
        connection.execute("SELECT count(*) FROM sqlite_schema").await?;
        let mut errors = Vec::with_capacity(statements.len());
        for (sql, _) in statements {
            let explain = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {sql}")));
            errors.push(connection.execute(explain).await.err());
        }
        Ok(errors)
    }
}

/// Plans the statements on a table. `privileges` are the required ones, `role` is the database user, quoted.
pub(super) async fn plan<DB: Explain>(
    connection: &mut DB::Connection,
    statements: &[Statement],
    add_column: AddColumn<DB>,
    table: &str,
    privileges: &[&str],
    role: &str,
) -> Result<Vec<Problem>, sqlx::Error> {
    let mut explained = Vec::with_capacity(statements.len());
    for statement in statements {
        let mut arguments = DB::Arguments::default();
        for parameter in &statement.parameters {
            match parameter {
                Parameter::Column(place) => add_column(*place, &mut arguments),
                other => DB::add_null(*other, &mut arguments),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        explained.push((statement.sql, arguments));
    }
    let errors = DB::explain(connection, explained).await?;
    let mut problems: Vec<Problem> = Vec::new();
    for (statement, error) in statements.iter().zip(errors) {
        match error {
            None => {}
            Some(error) if super::is_lost_statement(&error) => return Err(error),
            Some(
                error @ (sqlx::Error::Database(_)
                | sqlx::Error::TypeNotFound { .. }
                | sqlx::Error::Encode(_)
                | sqlx::Error::ColumnNotFound(_)),
            ) => {
                let fix = fix(&error, table, privileges, role);
                // A single cause may break many statements, so each fix is listed once.
                if fix.is_none() || problems.iter().all(|problem| problem.fix != fix) {
                    problems.push(Problem {
                        message: format!(
                            "the database cannot run its {} statement: {}",
                            statement.name,
                            text(&error)
                        ),
                        fix,
                    });
                }
            }
            Some(error) => return Err(error),
        }
    }
    Ok(problems)
}

fn text(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Returns the SQL that fixes PostgreSQL's error, if the code and the names in the error determine it.
fn fix(error: &sqlx::Error, table: &str, privileges: &[&str], role: &str) -> Option<String> {
    let error = error.as_database_error()?;
    let quoted = quote_path(table);
    match error.code()?.as_ref() {
        // `insufficient_privilege`. The message names the object last, and its kind before the name.
        "42501" => {
            let mut words = error.message().rsplit(' ');
            let (name, kind) = (words.next()?, words.next()?);
            match kind {
                "schema" => Some(format!("GRANT USAGE ON SCHEMA {} TO {role}", quote(name))),
                "sequence" => Some(format!("GRANT USAGE ON SEQUENCE {} TO {role}", quote(name))),
                "table" | "relation" if table.rsplit('.').next() == Some(name) => {
                    Some(format!("GRANT {} ON {quoted} TO {role}", privileges.join(", ")))
                }
                _ => None,
            }
        }
        // `generated_always`. The message quotes the column.
        "428C9" => {
            let column = error.message().split('"').nth(1)?;
            Some(format!(
                "ALTER TABLE {quoted} ALTER COLUMN {} DROP EXPRESSION",
                quote(column)
            ))
        }
        _ => None,
    }
}
