//! Errors in reading a claim.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// A claim of the right kind whose value the type cannot hold.
///
/// The reason goes to the operator's log, never into a response; do not put the value into it.
///
/// ```
/// use clerk_auth::claim::InvalidClaim;
///
/// assert_eq!(InvalidClaim::new("not a URL").to_string(), "not a URL");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidClaim {
    reason: Cow<'static, str>,
}

impl InvalidClaim {
    /// Creates the error with the reason why the type cannot hold the value.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// An error in reading one claim.
///
/// The error never contains the claim's value, which is personal data.
///
/// ```
/// use clerk_auth::claim::{ClaimKind, ClaimProblem, Integer};
///
/// let problem = Integer::read(&serde_json::json!("7")).unwrap_err();
/// assert_eq!(problem, ClaimProblem::OtherKind { declared: "integer", found: "text" });
/// assert_eq!(problem.to_string(), "the claim is text, but the template declares integer");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClaimProblem {
    /// The claim is absent.
    Absent,
    /// The claim is null, although the template or this field forbids null.
    Null,
    /// The text still contains a shortcode: Clerk did not recognize its root.
    Unrendered,
    /// The value could not be read, such as text with half a surrogate pair; see [`lenient`](crate::lenient).
    Unreadable,
    /// The claim is of another kind than the template declares.
    OtherKind {
        /// The kind in the template.
        declared: &'static str,
        /// The kind of the value in the token.
        found: &'static str,
    },
    /// The kind is correct, but the type cannot hold the value.
    Invalid(InvalidClaim),
}

/// The problem as a predicate, to print after the name of a claim.
pub(crate) struct Predicate<'a>(&'a ClaimProblem);

impl fmt::Display for Predicate<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ClaimProblem::Absent => formatter.write_str("is absent"),
            ClaimProblem::Null => formatter.write_str("is null"),
            ClaimProblem::Unrendered => {
                formatter.write_str("still contains `{{`: Clerk did not replace the shortcode")
            }
            ClaimProblem::Unreadable => formatter.write_str("is not readable JSON"),
            ClaimProblem::OtherKind { declared, found } => {
                write!(formatter, "is {found}, but the template declares {declared}")
            }
            ClaimProblem::Invalid(reason) => write!(formatter, "cannot be held: {reason}"),
        }
    }
}

impl fmt::Display for ClaimProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the claim {}", self.predicate())
    }
}

impl std::error::Error for ClaimProblem {}

impl From<InvalidClaim> for ClaimProblem {
    fn from(invalid: InvalidClaim) -> Self {
        Self::Invalid(invalid)
    }
}

impl ClaimProblem {
    pub(crate) fn predicate(&self) -> Predicate<'_> {
        Predicate(self)
    }

    /// Reports a value of another kind than the declared one.
    pub(super) fn unexpected(declared: &'static str, value: &Value) -> Self {
        let found = match value {
            Value::Null => return Self::Null,
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        Self::OtherKind { declared, found }
    }
}
