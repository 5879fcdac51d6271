//! The statements of the table of denials.
//!
//! The table is the authority on who is barred: a process writes there what an event says, in a statement of its own,
//! before anything else of the event, and every process reads what has changed. The changes of the last ten seconds are read
//! each time, so that a transaction that commits late hides no denial: a denial is the last that its transaction writes.
//! Recording one twice changes nothing.

use sqlx::{Arguments, ColumnIndex, Decode, Encode, Executor, IntoArguments, Row, Type};

use super::dialect::{Dialect, key};
use super::interface::DenialChanges;
use super::sql_store::PoolStore;
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
    let statement = |name, sql, parameters| Statement {
        name,
        sql,
        parameters,
    };
    [
        statement(
            "record denials",
            DB::RECORD_DENIAL,
            &[Text, Text, Integer, Integer, Integer, Integer, Text],
        ),
        statement(
            "admit users",
            DB::ADMIT_DENIED,
            &[Text, Text, Integer, Integer, Integer],
        ),
        statement("read denials", DB::READ_DENIALS, &[Integer, Integer, Integer]),
        statement("forget denials", FORGET_DENIALS, &[Integer]),
    ]
}

/// Parameter 1: the present moment in milliseconds, by the clock of the application.
const FORGET_DENIALS: &str = r#"DELETE FROM "clerk_denials" WHERE "expires_at" <= $1"#;

/// The reasons by their stable codes. An unknown one is of a newer version of this library, and bars all the same.
const REASONS: [Refusal; 5] = [
    Refusal::SessionEnded,
    Refusal::UserBanned,
    Refusal::UserDeleted,
    Refusal::UserDeprovisioned,
    Refusal::UserLocked,
];

impl<DB, U> PoolStore<U, DB>
where
    DB: Dialect,
    U: StoredIn<DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
{
    /// Records a denial unless the table has a newer one of its subject, and has other processes read it.
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
        add_number::<DB>(&mut arguments, now.milliseconds())?;
        let refusal = denial.refusal.map_or("", |refusal| refusal.code());
        arguments.add(refusal).map_err(sqlx::Error::Encode)?;
        sqlx::query_with(DB::RECORD_DENIAL, arguments)
            .execute(connection)
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
        sqlx::query_with(DB::ADMIT_DENIED, arguments)
            .execute(connection)
            .await
            .map(drop)
    }
}

impl<DB, U> PoolStore<U, DB>
where
    DB: Dialect,
    U: StoredIn<DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    for<'r> String: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// Reads what has changed since `since`, in milliseconds of the database's clock, and has not expired.
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
        add_number::<DB>(&mut arguments, since)?;
        add_number::<DB>(&mut arguments, now.milliseconds())?;
        // One more than the deny list keeps, so that it learns that it cannot keep them all.
        add_number::<DB>(&mut arguments, i64::try_from(MAX_DENIALS).unwrap_or(i64::MAX) + 1)?;
        let mut connection = self.connections.acquire().await?;
        let rows = sqlx::query_with(DB::READ_DENIALS, arguments)
            .fetch_all(&mut *connection)
            .await;
        let rows = connection.end(rows).await?;
        for row in &rows {
            changes.read_at = row.try_get(0)?;
            // A row without a denial says what time it is.
            let (Some(kind), Some(id)) = (
                row.try_get::<Option<String>, _>(1)?,
                row.try_get::<Option<String>, _>(2)?,
            ) else {
                continue;
            };
            let subject = match &*kind {
                "session" => Subject::Session(SessionId::new(id)),
                "user" => Subject::User(UserId::new(id)),
                // Of a newer version of this library.
                _ => continue,
            };
            let reason: Option<String> = row.try_get(3)?;
            let denial = Denial {
                refusal: reason.map(|code| refusal(&code, &subject)),
                subject,
                version: row.try_get(4)?,
                happened_at: Timestamp::from_milliseconds(row.try_get(5)?),
                expires_at: Timestamp::from_milliseconds(row.try_get(6)?),
            };
            let recorded_at = Timestamp::from_milliseconds(row.try_get(7)?);
            changes.denials.push((denial, recorded_at));
        }
        // The oldest first: they are the ones that a full list drops.
        changes.denials.reverse();
        Ok(changes)
    }

    /// Deletes the denials that have expired.
    pub(super) async fn delete_expired_denials(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        if !self.shares_denials {
            return Ok(());
        }
        let mut arguments = DB::Arguments::default();
        add_number::<DB>(&mut arguments, now.milliseconds())?;
        let mut connection = self.connections.acquire().await?;
        let forgotten = sqlx::query_with(FORGET_DENIALS, arguments)
            .execute(&mut *connection)
            .await;
        connection.end(forgotten.map(drop)).await
    }
}

/// Parameters 1 to 5.
fn with_subject_and_times<DB>(denial: &Denial) -> Result<DB::Arguments, sqlx::Error>
where
    DB: Dialect,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Type<DB>,
{
    let kind = match denial.subject.kind() {
        Kind::Session => "session",
        Kind::User => "user",
    };
    let mut arguments = key::<DB>(kind)?;
    arguments.add(denial.subject.id()).map_err(sqlx::Error::Encode)?;
    add_number::<DB>(&mut arguments, denial.version)?;
    add_number::<DB>(&mut arguments, denial.happened_at.milliseconds())?;
    add_number::<DB>(&mut arguments, denial.expires_at.milliseconds())?;
    Ok(arguments)
}

fn add_number<DB>(arguments: &mut DB::Arguments, number: i64) -> Result<(), sqlx::Error>
where
    DB: Dialect,
    for<'q> i64: Encode<'q, DB> + Type<DB>,
{
    arguments.add(number).map_err(sqlx::Error::Encode)
}

fn refusal(code: &str, subject: &Subject) -> Refusal {
    let known = REASONS.into_iter().find(|refusal| refusal.code() == code);
    known.unwrap_or(match subject {
        Subject::Session(_) => Refusal::SessionEnded,
        Subject::User(_) => Refusal::UserBanned,
    })
}
