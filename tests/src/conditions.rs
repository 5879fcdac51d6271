//! Conditions of a database under which a test runs: an isolation level, a trigger that skips writes, a session that waits for
//! a lock.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::profiles::Pool;

impl Pool {
    /// Sets the isolation level of the transactions of later connections to this PostgreSQL database.
    ///
    /// # Panics
    ///
    /// If the database is not PostgreSQL.
    pub async fn set_default_isolation(&self, level: &str) {
        let name = self.text("SELECT current_database()::text").await;
        let name = name.expect("a name");
        let sql = format!("ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'");
        self.execute(&sql).await;
    }

    /// Creates a trigger that skips each `INSERT` or `UPDATE` of a table whose new row meets a condition.
    ///
    /// # Panics
    ///
    /// If the table has such a trigger.
    pub async fn skip_writes(&self, table: &str, time: &str, condition: &str) {
        let sql = match self {
            Self::Postgres(_) => format!(
                "CREATE FUNCTION skip_{table}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN IF {condition} THEN RETURN NULL; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER skip BEFORE {time} ON {table} FOR EACH ROW EXECUTE FUNCTION skip_{table}()"
            ),
            Self::Sqlite(_) => format!(
                "CREATE TRIGGER skip_{table} BEFORE {time} ON {table} WHEN {condition} \
                 BEGIN SELECT RAISE(IGNORE); END"
            ),
        };
        self.execute(&sql).await;
    }

    /// Waits until a session of this PostgreSQL database waits for a lock.
    ///
    /// # Panics
    ///
    /// If no session does within 10 seconds.
    pub async fn until_a_session_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.number(waiting).await == 0 {
            assert!(Instant::now() < deadline, "no session waits for a lock");
            sleep(Duration::from_millis(2)).await;
        }
    }
}
