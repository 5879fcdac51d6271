//! Classifies each failure, for counters, logs, responses, webhooks and imports.
//!
//! | failure | counted as | circuit breaker | webhook | import |
//! |---|---|---|---|---|
//! | `UserDeleted` | `gone` | | 204 | skips the user |
//! | `TokenIncomplete` | `claims` | | 204 | skips the user |
//! | `ClaimInvalid` | `claim_invalid` | | 204 | skips the user |
//! | `Conflict` | `conflict` | | 204 | skips the user |
//! | `LinkConflict` | `link_conflict` | | 204 | skips the user |
//! | `DataRefused` | `data_refused` | | 204 | skips the user |
//! | `RowUnreadable` | `row_unreadable` | | 204 | skips the user |
//! | `ReferenceMissing` | `reference_missing` | | 503 | skips the user |
//! | `OnInsert` | `on_insert` | | 503 | skips the user |
//! | `OnLink` | `on_link` | | 503 | skips the user |
//! | `OnEvent`, `OnDelete` | `on_event`, `on_delete` | | 503 | stops |
//! | `Outage` | `database` | counts | 503 | waits |
//! | `Timeout` | `timeout` | counts | 503 | waits |
//! | `NotAsked` | `unavailable` | is open | 503 | waits |
//! | `Busy` | `busy` | | 503 | waits |
//! | `ReadOnly` | `read_only` | | 503 | waits |
//! | `StatementRefused` | `statement_refused` | | 503 | stops |
//! | `OtherInstance` | `other_instance` | | 503 | stops |
//! | `Panic` | `panic` | | 503 | skips the user |
//! | `Bug` | `database_error` | | 503 | stops |
//!
//! [`Rejection`](crate::extract::Rejection) decides the status and code of a response, and
//! [`failure_log`](crate::sync::local::failure_log) the log. A test compares this table with the code.

use super::store::sqlstate::ErrorKind;
use crate::claim::{ClaimProblem, Expression, TemplateClaim, UnreadableClaims};

/// The reason why work for a user's row has failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// Clerk has deleted the user.
    UserDeleted,
    /// The token lacks claims of the template.
    TokenIncomplete,
    /// The struct cannot hold the value of a claim, independently of the template.
    ClaimInvalid,
    /// The session is of another Clerk instance.
    OtherInstance,
    /// Another user's row holds a value that must be unique.
    Conflict,
    /// The row with the user's key belongs to another user.
    LinkConflict,
    /// The row of the membership's user or organization does not exist yet.
    ReferenceMissing,
    /// The application's hook failed.
    OnInsert,
    /// The application's hook failed.
    OnLink,
    /// The application's hook failed.
    OnEvent,
    /// The application's hook failed.
    OnDelete,
    /// The database cannot be used.
    Outage,
    /// The database did not answer in time, not even a read of another row.
    Timeout,
    /// The circuit breaker is open, and the database was not queried.
    NotAsked,
    /// The database answers, but another transaction blocks this row.
    Busy,
    /// The server accepts no writes.
    ReadOnly,
    /// The database refuses the user's data.
    DataRefused,
    /// The struct cannot hold the user's row.
    RowUnreadable,
    /// The database refuses the statement for every row.
    StatementRefused,
    /// The application's code panicked.
    Panic,
    /// Any other error.
    Bug,
}

/// The reaction of an import to a failure.
#[cfg_attr(
    not(feature = "backend-api"),
    expect(dead_code, reason = "there is no import")
)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Reports the user, and continues with the others.
    Skip,
    /// Retries after a pause.
    Wait,
    /// Ends, because every user would fail in the same way.
    Stop,
}

impl Failure {
    /// Returns the label of a counter.
    pub(super) const fn outcome(self) -> &'static str {
        match self {
            Self::UserDeleted => "gone",
            Self::TokenIncomplete => "claims",
            Self::ClaimInvalid => "claim_invalid",
            Self::OtherInstance => "other_instance",
            Self::Conflict => "conflict",
            Self::LinkConflict => "link_conflict",
            Self::ReferenceMissing => "reference_missing",
            Self::OnInsert => "on_insert",
            Self::OnLink => "on_link",
            Self::OnEvent => "on_event",
            Self::OnDelete => "on_delete",
            Self::Outage => "database",
            Self::Timeout => "timeout",
            Self::NotAsked => "unavailable",
            Self::Busy => "busy",
            Self::ReadOnly => "read_only",
            Self::DataRefused => "data_refused",
            Self::RowUnreadable => "row_unreadable",
            Self::StatementRefused => "statement_refused",
            Self::Panic => "panic",
            Self::Bug => "database_error",
        }
    }

    /// Returns whether the database could not be used at all; such failures count for the circuit breaker.
    pub(super) const fn is_outage(self) -> bool {
        matches!(self, Self::Outage | Self::Timeout)
    }

    /// Returns whether a webhook is acknowledged despite the failure, because a retry cannot succeed.
    pub(super) const fn is_acknowledged(self) -> bool {
        matches!(
            self,
            Self::UserDeleted
                | Self::TokenIncomplete
                | Self::ClaimInvalid
                | Self::Conflict
                | Self::LinkConflict
                | Self::DataRefused
                | Self::RowUnreadable
        )
    }

    /// Returns the next step of an import.
    #[cfg(feature = "backend-api")]
    pub(super) const fn step(self) -> Step {
        match self {
            Self::UserDeleted
            | Self::TokenIncomplete
            | Self::ClaimInvalid
            | Self::Conflict
            | Self::LinkConflict
            | Self::DataRefused
            | Self::RowUnreadable
            | Self::ReferenceMissing
            | Self::OnInsert
            | Self::OnLink
            | Self::Panic => Step::Skip,
            Self::Outage | Self::Timeout | Self::NotAsked | Self::Busy | Self::ReadOnly => Step::Wait,
            Self::OnEvent | Self::OnDelete | Self::StatementRefused | Self::OtherInstance | Self::Bug => {
                Step::Stop
            }
        }
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Outage | ErrorKind::LostConnection => Self::Outage,
            ErrorKind::Race | ErrorKind::Cancelled => Self::Busy,
            ErrorKind::RefusedData => Self::DataRefused,
            ErrorKind::UnreadableRow => Self::RowUnreadable,
            ErrorKind::ReadOnly => Self::ReadOnly,
            // A newly prepared statement has failed in the same way.
            ErrorKind::RefusedStatement | ErrorKind::StaleStatement => Self::StatementRefused,
            ErrorKind::Unknown => Self::Bug,
        }
    }
}

/// Distinguishes a template that has not been pasted from a value that the struct cannot hold.
pub(super) fn of_claims(claims: &UnreadableClaims, template: &[TemplateClaim]) -> Failure {
    let is_incomplete = claims.problems().iter().any(|(name, problem)| {
        let expression = template
            .iter()
            .find(|claim| claim.name == *name)
            .map(|claim| &claim.expression);
        match problem {
            ClaimProblem::Absent | ClaimProblem::Unrendered => true,
            ClaimProblem::Null => expression.is_none_or(is_never_null),
            ClaimProblem::OtherKind { .. } => !expression.is_some_and(reads_metadata),
            ClaimProblem::Unreadable | ClaimProblem::Invalid(_) => false,
        }
    });
    match is_incomplete {
        true => Failure::TokenIncomplete,
        false => Failure::ClaimInvalid,
    }
}

/// Returns whether every Clerk user has a value, so that null shows that the claim is from another template.
fn is_never_null(expression: &Expression) -> bool {
    match expression {
        Expression::Shortcode(path) => matches!(
            *path,
            "user.id"
                | "user.image_url"
                | "user.has_image"
                | "user.created_at"
                | "user.updated_at"
                | "org.id"
                | "org.name"
                | "org.has_image"
        ),
        Expression::Literal(_)
        | Expression::Interpolation(_)
        | Expression::Object(_)
        | Expression::Array(_) => true,
        Expression::Chain(operands) => operands.last().is_some_and(is_never_null),
    }
}

/// Returns whether the kind of a claim depends on data in a user's metadata.
fn reads_metadata(expression: &Expression) -> bool {
    match expression {
        Expression::Shortcode(path) => path.contains("_metadata"),
        Expression::Chain(operands) => operands.iter().any(reads_metadata),
        Expression::Literal(_)
        | Expression::Interpolation(_)
        | Expression::Object(_)
        | Expression::Array(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{InvalidClaim, Literal};

    const ALL: [Failure; 21] = [
        Failure::ReferenceMissing,
        Failure::UserDeleted,
        Failure::TokenIncomplete,
        Failure::ClaimInvalid,
        Failure::OtherInstance,
        Failure::Conflict,
        Failure::LinkConflict,
        Failure::OnInsert,
        Failure::OnLink,
        Failure::OnEvent,
        Failure::OnDelete,
        Failure::Outage,
        Failure::Timeout,
        Failure::NotAsked,
        Failure::Busy,
        Failure::ReadOnly,
        Failure::DataRefused,
        Failure::RowUnreadable,
        Failure::StatementRefused,
        Failure::Panic,
        Failure::Bug,
    ];

    /// Returns the cells of a failure's row in this file's table.
    fn row(failure: Failure) -> (&'static str, Vec<&'static str>) {
        let name = format!("`{failure:?}`");
        let row = include_str!("failure.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | "))
            .find(|row| row.split('|').next().is_some_and(|cell| cell.contains(&name)))
            .unwrap_or_else(|| panic!("{name} is in no row"));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[1], cells[2..5].to_vec())
    }

    #[test]
    fn table_in_the_docs_is_what_the_code_decides() {
        for failure in ALL {
            let (outcomes, cells) = row(failure);
            assert!(
                outcomes.contains(&format!("`{}`", failure.outcome())),
                "{failure:?}"
            );
            assert_eq!(failure.is_outage(), cells[0] == "counts", "{failure:?}");
            assert_eq!(failure.is_acknowledged(), cells[1] == "204", "{failure:?}");
            #[cfg(feature = "backend-api")]
            assert_eq!(
                failure.step(),
                match cells[2] {
                    "waits" => Step::Wait,
                    "stops" => Step::Stop,
                    _ => Step::Skip,
                },
                "{failure:?}"
            );
        }
    }

    #[test]
    fn only_an_incomplete_token_reports_the_template() {
        const TEMPLATE: &[TemplateClaim] = &[
            TemplateClaim {
                name: "email",
                expression: Expression::Shortcode("user.primary_email_address"),
            },
            TemplateClaim {
                name: "image",
                expression: Expression::Shortcode("user.image_url"),
            },
            TemplateClaim {
                name: "role",
                expression: Expression::Chain(&[
                    Expression::Shortcode("user.public_metadata.role"),
                    Expression::Literal(Literal::Text("member")),
                ]),
            },
        ];
        let other_kind = ClaimProblem::OtherKind {
            declared: "text",
            found: "a number",
        };
        let invalid = ClaimProblem::Invalid(InvalidClaim::new("no role"));
        for (name, problem, expected) in [
            ("email", ClaimProblem::Absent, Failure::TokenIncomplete),
            ("email", ClaimProblem::Unrendered, Failure::TokenIncomplete),
            ("email", other_kind.clone(), Failure::TokenIncomplete),
            ("email", ClaimProblem::Null, Failure::ClaimInvalid),
            ("email", ClaimProblem::Unreadable, Failure::ClaimInvalid),
            ("email", invalid.clone(), Failure::ClaimInvalid),
            ("image", ClaimProblem::Null, Failure::TokenIncomplete),
            ("role", other_kind, Failure::ClaimInvalid),
            ("role", invalid, Failure::ClaimInvalid),
            ("unknown", ClaimProblem::Null, Failure::TokenIncomplete),
        ] {
            let label = format!("{name} {}", problem.predicate());
            let one = UnreadableClaims::one(name, problem);
            assert_eq!(of_claims(&one, TEMPLATE), expected, "{label}");
            let absent = UnreadableClaims::one("email", ClaimProblem::Absent);
            assert_eq!(
                of_claims(&one.and(absent), TEMPLATE),
                Failure::TokenIncomplete,
                "{label}"
            );
        }
    }
}
