//! The faults of a PostgreSQL server, database or role that prevent writes to every table.

use std::ops::ControlFlow;

use sqlx::{FromRow as _, PgConnection};

use super::Problem;
use super::live::quote;

/// The server's own settings.
struct Server {
    version: String,
    encoding: String,
    is_standby: bool,
    is_read_only: bool,
    /// The origin of the setting `default_transaction_read_only`.
    source: Option<String>,
    role: String,
    database: String,
}

/// Lists every fault, in the order in which to fix them.
pub(super) async fn problems(
    connection: &mut PgConnection,
) -> Result<ControlFlow<Problem, Vec<Problem>>, sqlx::Error> {
    type Row = (String, String, bool, bool, Option<String>, String, String);
    // If clients share one session, their prepared statements collide.
    let row = sqlx::raw_sql(
        "SELECT version() AS version, current_setting('server_encoding') AS encoding, \
         pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only, \
         (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') AS source, \
         quote_ident(current_user) AS role, current_database()::text AS database",
    )
    .fetch_one(connection)
    .await?;
    let (version, encoding, is_standby, is_read_only, source, role, database) = Row::from_row(&row)?;
    let server = Server {
        version,
        encoding,
        is_standby,
        is_read_only,
        source,
        role,
        database,
    };
    if let Some(problem) = server.shared_session() {
        return Ok(ControlFlow::Break(problem));
    }
    let problems = [server.read_only(), server.encoding()];
    Ok(ControlFlow::Continue(problems.into_iter().flatten().collect()))
}

impl Server {
    /// Recognizes PGlite: PostgreSQL compiled by Emscripten, whose clients share one session.
    fn shared_session(&self) -> Option<Problem> {
        let is_shared = ["emcc", "Emscripten", "wasm"]
            .iter()
            .any(|mark| self.version.contains(mark));
        is_shared.then(|| Problem {
            message: "the server is PGlite, whose clients share one session: a transaction of one connection is that of \
                   every other, so that nothing is atomic; start a PostgreSQL server"
                .to_owned(),
            fix: None,
        })
    }

    fn read_only(&self) -> Option<Problem> {
        if self.is_standby {
            return Some(Problem {
                message: "the server is a standby, which accepts no writes: connect to the primary server"
                    .to_owned(),
                fix: None,
            });
        }
        if !self.is_read_only {
            return None;
        }
        let (role, database) = (&self.role, quote(&self.database));
        let setting = "default_transaction_read_only";
        let (place, fix) = match self.source.as_deref() {
            Some("user") => (
                "for the database user",
                format!("ALTER ROLE {role} RESET {setting}"),
            ),
            Some("database user") => (
                "for the database user in this database",
                format!("ALTER ROLE {role} IN DATABASE {database} RESET {setting}"),
            ),
            Some("database") => (
                "for the database",
                format!("ALTER DATABASE {database} RESET {setting}"),
            ),
            Some("client") => (
                "in the options of the connection, from which it has to be removed",
                format!("SET {setting} = off"),
            ),
            Some("session") => (
                "by a statement on the connection, such as one of `after_connect`",
                format!("SET {setting} = off"),
            ),
            _ => (
                "in the server's configuration",
                format!("ALTER SYSTEM SET {setting} = off; SELECT pg_reload_conf()"),
            ),
        };
        Some(Problem {
            message: format!("transactions are read-only, because `{setting}` is on {place}"),
            fix: Some(fix),
        })
    }

    /// `SQL_ASCII` stores the bytes of UTF-8 unchanged; every other encoding lacks most of the characters in names.
    fn encoding(&self) -> Option<Problem> {
        if matches!(&*self.encoding, "UTF8" | "SQL_ASCII") {
            return None;
        }
        let encoding = &self.encoding;
        Some(Problem {
            message: format!(
                "the encoding of the database `{}` is {encoding}, which cannot store the name of every user: move the \
                 tables to a database in UTF8",
                self.database
            ),
            fix: Some(format!(
                "CREATE DATABASE {} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
                quote(&format!("{}_utf8", self.database))
            )),
        })
    }
}
