//! The faults of a PostgreSQL server, database or role that keep every table from being written.

use sqlx::{PgConnection, Row as _};

use super::Problem;
use super::live::quote;

/// The server's own settings.
struct Server {
    encoding: String,
    is_standby: bool,
    is_read_only: bool,
    /// The origin of the setting `default_transaction_read_only`.
    source: Option<String>,
    role: String,
    database: String,
}

/// Lists every fault, in the order in which to fix them.
pub(super) async fn problems(connection: &mut PgConnection) -> Result<Vec<Problem>, sqlx::Error> {
    if let Some(problem) = shared_session(&mut *connection).await? {
        return Ok(vec![problem]);
    }
    type Row = (String, bool, bool, Option<String>, String, String);
    let (encoding, is_standby, is_read_only, source, role, database): Row = sqlx::query_as(
        "SELECT current_setting('server_encoding') AS encoding, \
         pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only, \
         (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') AS source, \
         quote_ident(current_user) AS role, current_database()::text AS database",
    )
    .fetch_one(&mut *connection)
    .await?;
    let server = Server {
        encoding,
        is_standby,
        is_read_only,
        source,
        role,
        database,
    };
    Ok([server.read_only(), server.encoding()]
        .into_iter()
        .flatten()
        .collect())
}

/// Recognizes PGlite: PostgreSQL compiled by Emscripten, whose clients share one session.
///
/// A prepared statement of one client is in the way of the other clients, so the version is read without one.
async fn shared_session(connection: &mut PgConnection) -> Result<Option<Problem>, sqlx::Error> {
    let row = sqlx::raw_sql("SELECT version()").fetch_one(connection).await?;
    let version: String = row.try_get(0)?;
    let is_shared = ["emcc", "Emscripten", "wasm"]
        .iter()
        .any(|mark| version.contains(mark));
    Ok(is_shared.then(|| Problem {
        what: "the server is PGlite, whose clients share one session: a transaction of one connection is that of \
               every other, so that nothing is atomic; start a PostgreSQL server"
            .to_owned(),
        mend: None,
    }))
}

impl Server {
    fn read_only(&self) -> Option<Problem> {
        if self.is_standby {
            return Some(Problem {
                what: "the server is a standby, which accepts no writes: connect to the primary server"
                    .to_owned(),
                mend: None,
            });
        }
        if !self.is_read_only {
            return None;
        }
        let (role, database) = (&self.role, quote(&self.database));
        let setting = "default_transaction_read_only";
        let (place, mend) = match self.source.as_deref() {
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
            what: format!("transactions are read-only, because `{setting}` is on {place}"),
            mend: Some(mend),
        })
    }

    /// `SQL_ASCII` stores the bytes of UTF-8 unchanged; every other encoding lacks most of the characters in names.
    fn encoding(&self) -> Option<Problem> {
        if matches!(&*self.encoding, "UTF8" | "SQL_ASCII") {
            return None;
        }
        let encoding = &self.encoding;
        Some(Problem {
            what: format!(
                "the encoding of the database `{}` is {encoding}, which cannot store the name of every user: move the \
                 tables to a database in UTF8",
                self.database
            ),
            mend: Some(format!(
                "CREATE DATABASE {} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
                quote(&format!("{}_utf8", self.database))
            )),
        })
    }
}
