//! The statements of the table of denials.
//!
//! The table is the authority on denials. A process writes the effect of an event there, in a separate statement,
//! before anything else of the event, and every process reads the changes. The changes of the last ten seconds are read
//! each time, so that a transaction that commits late hides no denial: a denial is the last statement of its
//! transaction. Recording a denial is idempotent.

use super::dialect::Dialect;
use super::interface::DenialChanges;
use super::sql_store::SqlStore;
use crate::deny_list::{Denial, Kind, MAX_DENIALS, Subject};
use crate::id::{SessionId, UserId};
use crate::schema::OwnTable;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::user::{CREATE_DENIALS, DENIAL_COLUMNS, DENIALS_TABLE, Parameter, Statement, StoredIn};

/// The table, for the check at start-up.
pub(crate) fn table<DB: Dialect>() -> OwnTable {
    OwnTable {
        path: DENIALS_TABLE,
        create_table: CREATE_DENIALS,
        columns: DENIAL_COLUMNS,
        privileges: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        statements: statements::<DB>().into(),
        holds: "denials (bans, deletions, ends of sessions)".to_owned(),
    }
}

fn statements<DB: Dialect>() -> [Statement; 4] {
    use Parameter::{Integer, Text};
    [
        Statement::new(
            "record denials",
            DB::RECORD_DENIAL,
            &[Text, Text, Integer, Integer, Integer, Integer, Text],
        ),
        Statement::new(
            "admit users",
            DB::ADMIT_DENIED,
            &[Text, Text, Integer, Integer, Integer],
        ),
        Statement::new("read denials", DB::READ_DENIALS, &[Integer, Integer, Integer]),
        Statement::new("forget denials", FORGET_DENIALS, &[Integer]),
    ]
}

/// Parameter 1: the current time in milliseconds, by the clock of the application.
const FORGET_DENIALS: &str = r#"DELETE FROM "clerk_denials" WHERE "expires_at" <= $1"#;

/// The reasons by their stable codes. An unknown one is from a newer version of this library, and bars all the same.
const REASONS: [Refusal; 5] = [
    Refusal::SessionEnded,
    Refusal::UserBanned,
    Refusal::UserDeleted,
    Refusal::UserDeprovisioned,
    Refusal::UserLocked,
];

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Records a denial unless the table has a newer one of its subject, and notifies other processes.
    pub(super) async fn record_denial_on(
        &self,
        connection: &mut DB::Connection,
        denial: &Denial,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        if !self.shares_denials {
            return Ok(());
        }
        let mut arguments = with_subject_and_times::<DB>(denial)?;
        DB::add_integer(&mut arguments, now.milliseconds())?;
        let refusal = denial.refusal.map_or("", |refusal| refusal.code());
        DB::add_text(&mut arguments, refusal)?;
        DB::execute(connection, DB::RECORD_DENIAL, arguments)
            .await
            .map(drop)
    }

    /// Records that a subject is admitted again, if the table has an older denial of it.
    pub(super) async fn admit_denied_on(
        &self,
        connection: &mut DB::Connection,
        denial: &Denial,
    ) -> Result<(), sqlx::Error> {
        if !self.shares_denials {
            return Ok(());
        }
        let arguments = with_subject_and_times::<DB>(denial)?;
        DB::execute(connection, DB::ADMIT_DENIED, arguments)
            .await
            .map(drop)
    }
}

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Reads the changes since `since`, in milliseconds of the database's clock, that have not expired.
    pub(super) async fn select_denials(
        &self,
        since: i64,
        now: Timestamp,
    ) -> Result<DenialChanges, sqlx::Error> {
        let mut changes = DenialChanges {
            denials: Vec::new(),
            read_at: since,
        };
        if !self.shares_denials {
            return Ok(changes);
        }
        let mut arguments = DB::Arguments::default();
        DB::add_integer(&mut arguments, since)?;
        DB::add_integer(&mut arguments, now.milliseconds())?;
        // Plus one, so that the deny list detects that it cannot keep them all.
        DB::add_integer(&mut arguments, i64::try_from(MAX_DENIALS).unwrap_or(i64::MAX) + 1)?;
        let rows = self.connections.fetch_all(DB::READ_DENIALS, arguments).await?;
        for row in &rows {
            changes.read_at = DB::integer(row, 0)?;
            // A row without a denial contains only the time.
            let (Some(kind), Some(id)) = (DB::optional_text(row, 1)?, DB::optional_text(row, 2)?) else {
                continue;
            };
            let subject = match &*kind {
                "session" => Subject::Session(SessionId::new(id)),
                "user" => Subject::User(UserId::new(id)),
                // From a newer version of this library.
                _ => continue,
            };
            let reason = DB::optional_text(row, 3)?;
            let denial = Denial {
                refusal: reason.map(|code| refusal(&code, &subject)),
                subject,
                version: DB::integer(row, 4)?,
                happened_at: Timestamp::from_milliseconds(DB::integer(row, 5)?),
                expires_at: Timestamp::from_milliseconds(DB::integer(row, 6)?),
            };
            let recorded_at = Timestamp::from_milliseconds(DB::integer(row, 7)?);
            changes.denials.push((denial, recorded_at));
        }
        // The oldest come first: a full list drops them first.
        changes.denials.reverse();
        Ok(changes)
    }

    /// Deletes the denials that have expired.
    pub(super) async fn delete_expired_denials(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        if !self.shares_denials {
            return Ok(());
        }
        let mut arguments = DB::Arguments::default();
        DB::add_integer(&mut arguments, now.milliseconds())?;
        self.connections.execute(FORGET_DENIALS, arguments).await
    }
}

/// Parameters 1 to 5.
fn with_subject_and_times<DB: Dialect>(denial: &Denial) -> Result<DB::Arguments, sqlx::Error> {
    let kind = match denial.subject.kind() {
        Kind::Session => "session",
        Kind::User => "user",
    };
    let mut arguments = DB::key(kind)?;
    DB::add_text(&mut arguments, denial.subject.id())?;
    DB::add_integer(&mut arguments, denial.version)?;
    DB::add_integer(&mut arguments, denial.happened_at.milliseconds())?;
    DB::add_integer(&mut arguments, denial.expires_at.milliseconds())?;
    Ok(arguments)
}

fn refusal(code: &str, subject: &Subject) -> Refusal {
    let known = REASONS.into_iter().find(|refusal| refusal.code() == code);
    known.unwrap_or(match subject {
        Subject::Session(_) => Refusal::SessionEnded,
        Subject::User(_) => Refusal::UserBanned,
    })
}
