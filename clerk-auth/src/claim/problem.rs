//! Errors in reading a claim.

use std::borrow::Cow;

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
/// assert_eq!(problem.to_string(), "is text, but the template declares integer");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimProblem {
    /// The claim is absent.
    #[error("is absent")]
    Absent,
    /// The claim is null although it cannot be null, or must not be for this field.
    #[error("is null")]
    Null,
    /// The text still contains a shortcode: Clerk did not recognize its root.
    #[error("still holds `{{{{`: Clerk did not know the shortcode")]
    Unrendered,
    /// The value was received and could not be read, such as text with half a surrogate pair; see
    /// [`lenient`](crate::lenient).
    #[error("is not readable JSON")]
    Unreadable,
    /// The claim is of another kind than the template declares.
    #[error("is {found}, but the template declares {declared}")]
    OtherKind {
        /// The kind in the template.
        declared: &'static str,
        /// The kind of the value in the token.
        found: &'static str,
    },
    /// The kind is correct, but the type cannot hold the value.
    #[error("cannot be held: {0}")]
    Invalid(#[from] InvalidClaim),
}

impl ClaimProblem {
    /// A value of another kind than the one that is declared.
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
