//! The statements of the table of denials.
//!
//! The table is the authority on denials. A process writes the effect of an event to the table first, in a separate
//! statement, and every process reads the changes. Each read repeats the last ten seconds, so that a late commit hides
//! no denial: a denial is the last statement of its transaction. Recording a denial is idempotent.
//!
//! A membership is a subject too. Its id consists of the ids of user and organization. Its effect, in the column
//! `refusal`, is its end or its new state. So the table of an earlier version needs no migration, and a process of an
//! earlier version skips these rows.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use super::dialect::Dialect;
use super::interface::DenialChanges;
use super::sql_store::SqlStore;
use crate::deny_list::{Denial, Effect, Key, MAX_DENIALS, Subject};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::row::{CREATE_DENIALS, DENIAL_COLUMNS, DENIALS_TABLE, Parameter, Statement, StoredIn};
use crate::schema::OwnTable;
use crate::session::{Correction, Standing};
use crate::time::Timestamp;
use crate::token::Refusal;

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

/// The reasons with stable codes. An unknown code is from a newer version of this library, and bars too.
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
        DB::add_integer(&mut arguments, now.as_millis())?;
        DB::add_text(&mut arguments, &encoded(&denial.effect))?;
        DB::execute(connection, DB::RECORD_DENIAL, arguments)
            .await
            .map(drop)
    }

    /// Records that a subject is admitted again, if the table has an older denial of the subject.
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
        DB::add_integer(&mut arguments, now.as_millis())?;
        // The maximum plus one, so that the deny list detects that it cannot keep all.
        DB::add_integer(&mut arguments, i64::try_from(MAX_DENIALS).unwrap_or(i64::MAX) + 1)?;
        let rows = self.connections.fetch_all(DB::READ_DENIALS, arguments).await?;
        for row in &rows {
            changes.read_at = DB::integer(row, 0)?;
            // The row without a denial contains only the time.
            let (Some(kind), Some(id)) = (DB::optional_text(row, 1)?, DB::optional_text(row, 2)?) else {
                continue;
            };
            let Some(subject) = subject(&kind, &id) else {
                // The row is from a newer version of this library.
                continue;
            };
            let effect = DB::optional_text(row, 3)?;
            let denial = Denial {
                effect: effect.map_or(Effect::Admits, |effect| decoded(&effect, &subject)),
                subject,
                version: DB::integer(row, 4)?,
                happened_at: Timestamp::from_millis(DB::integer(row, 5)?),
                expires_at: Timestamp::from_millis(DB::integer(row, 6)?),
            };
            let recorded_at = Timestamp::from_millis(DB::integer(row, 7)?);
            changes.denials.push((denial, recorded_at));
        }
        // Oldest first, because a full list drops the oldest first.
        changes.denials.reverse();
        Ok(changes)
    }

    /// Deletes the denials that have expired.
    pub(super) async fn delete_expired_denials(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        if !self.shares_denials {
            return Ok(());
        }
        let mut arguments = DB::Arguments::default();
        DB::add_integer(&mut arguments, now.as_millis())?;
        self.connections.execute(FORGET_DENIALS, arguments).await
    }
}

/// Returns parameters 1 to 5.
fn with_subject_and_times<DB: Dialect>(denial: &Denial) -> Result<DB::Arguments, sqlx::Error> {
    let (kind, id) = match denial.subject.key() {
        Key::Session(id) => ("session", Cow::Borrowed(id)),
        Key::User(id) => ("user", Cow::Borrowed(id)),
        Key::Membership(user, organization) => {
            ("membership", format!("{user}{BETWEEN}{organization}").into())
        }
        Key::Organization(id) => ("organization", Cow::Borrowed(id)),
    };
    let mut arguments = DB::key(kind)?;
    DB::add_text(&mut arguments, &id)?;
    DB::add_integer(&mut arguments, denial.version)?;
    DB::add_integer(&mut arguments, denial.happened_at.as_millis())?;
    DB::add_integer(&mut arguments, denial.expires_at.as_millis())?;
    Ok(arguments)
}

/// The separator of the two ids of a membership. Clerk's ids contain no control characters.
const BETWEEN: char = '\t';

/// The code of a membership that has ended.
const ENDED: &str = "membership_ended";

/// The prefix of the role and the permissions of a changed membership.
const CHANGED: char = '=';

fn subject(kind: &str, id: &str) -> Option<Subject> {
    Some(match kind {
        "session" => Subject::Session(SessionId::new(id)),
        "user" => Subject::User(UserId::new(id)),
        "membership" => {
            let (user, organization) = id.split_once(BETWEEN)?;
            Subject::Membership(UserId::new(user), OrganizationId::new(organization))
        }
        "organization" => Subject::Organization(OrganizationId::new(id)),
        _ => return None,
    })
}

/// Encodes an effect for the column `refusal`: a code, or `=` and a JSON array of the role and the permissions.
fn encoded(effect: &Effect) -> Cow<'static, str> {
    match effect {
        Effect::Admits => "".into(),
        Effect::Bars(refusal) => refusal.code().into(),
        Effect::Corrects(correction) => match &**correction {
            Correction::Ended => ENDED.into(),
            Correction::Changed(standing) => {
                let state = json!([standing.role(), standing.permissions()]);
                format!("{CHANGED}{state}").into()
            }
        },
    }
}

/// Decodes an effect. An unknown effect is from a newer version, and denies too.
fn decoded(effect: &str, subject: &Subject) -> Effect {
    let known = || REASONS.into_iter().find(|refusal| refusal.code() == effect);
    match subject {
        Subject::Session(_) => Effect::Bars(known().unwrap_or(Refusal::SessionEnded)),
        Subject::User(_) => Effect::Bars(known().unwrap_or(Refusal::UserBanned)),
        Subject::Membership(..) | Subject::Organization(_) => {
            let changed = effect.strip_prefix(CHANGED).and_then(standing);
            Effect::Corrects(Arc::new(changed.map_or(Correction::Ended, Correction::Changed)))
        }
    }
}

fn standing(state: &str) -> Option<Standing> {
    let (role, permissions): (Option<String>, Option<Vec<String>>) = serde_json::from_str(state).ok()?;
    let permissions = permissions
        .as_ref()
        .map(|listed| listed.iter().map(String::as_str));
    Some(Standing::new(role.as_deref().unwrap_or_default(), permissions))
}
