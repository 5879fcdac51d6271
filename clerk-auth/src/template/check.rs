//! Compares Clerk's claims with the templates of the structs, as a pure function.

use std::fmt;

use serde_json::{Map, Value};

use super::command::patch_command;
use super::shortcodes::canonical;
use super::size;
use crate::claim::SessionTokenBudget;
use crate::row::SyncedRow;

/// The session-token template of a struct.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::{SyncedRow, SyncedUser};
/// use clerk_auth::template::{ExpectedTemplate, check_template};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let pulled = r#"{ "session": { "claims": {} } }"#;
/// let check = check_template(pulled, &[ExpectedTemplate::new::<User>()])?;
/// assert_eq!(check.missing.len(), User::TEMPLATE.len());
/// # }
/// # Ok::<(), clerk_auth::template::PulledConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExpectedTemplate {
    name: &'static str,
    json: &'static str,
    budget: SessionTokenBudget,
}

impl ExpectedTemplate {
    /// Returns the template of a struct.
    pub const fn new<U: SyncedRow>() -> Self {
        Self {
            name: U::NAME,
            json: U::SESSION_TOKEN_TEMPLATE,
            budget: U::SESSION_TOKEN_BUDGET,
        }
    }

    fn claims(&self) -> Map<String, Value> {
        // The derive has parsed the same text.
        serde_json::from_str(self.json).unwrap_or_default()
    }

    /// Returns whether the struct allows a template over the budget by `allow(…)`.
    fn allows_any_size(&self) -> bool {
        self.budget
            .total()
            .is_none_or(|bytes| bytes > SessionTokenBudget::LIMIT)
    }
}

/// The reason why a configuration cannot be compared.
///
/// ```
/// use clerk_auth::template::{PulledConfigError, check_template};
///
/// for pulled in ["", "{}", r#"{ "session": { "claims": [] } }"#] {
///     let error: PulledConfigError = check_template(pulled, &[]).expect_err(pulled);
///     assert!(error.to_string().contains("clerk config pull --keys session"), "{error}");
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PulledConfigError {
    /// The text is not JSON.
    #[error(
        "expected the output of `clerk config pull --keys session`, found text that is not JSON ({0}); pipe the output unchanged"
    )]
    NotJson(serde_json::Error),
    /// The JSON has no object `session`.
    #[error(
        "expected the output of `clerk config pull --keys session`, found JSON without an object `session`; pull with `--keys session`"
    )]
    NoSession,
    /// The claims are not an object.
    #[error(
        "expected an object as `session.claims` in the output of `clerk config pull --keys session`, found {0}; save the claims in Clerk's dashboard as a JSON object"
    )]
    ClaimsNotAnObject(&'static str),
}

/// A claim in which Clerk and the structs differ.
///
/// ```
/// use clerk_auth::template::check_template;
///
/// let pulled = r#"{ "session": { "claims": { "nickname": "{{user.username}}" } } }"#;
/// let check = check_template(pulled, &[])?;
/// let unused = &check.unused[0];
/// assert_eq!((unused.name.as_str(), &unused.expected), ("nickname", &None));
/// # Ok::<(), clerk_auth::template::PulledConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct CheckedClaim {
    /// The claim's name.
    pub name: String,
    /// The struct whose template has the claim, by its name; `None` if no struct has it.
    pub expected_by: Option<&'static str>,
    /// The value in the struct's template; `None` if no struct has the claim.
    pub expected: Option<Value>,
    /// The value that Clerk has; `None` if Clerk does not have the claim.
    pub found: Option<Value>,
}

/// The result of [`check_template`]. Prints as text, and serializes to JSON through serde.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::template::{ExpectedTemplate, check_template};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", template_json = r#"{"email": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"}"#, database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let pulled = r#"{ "session": { "claims": { "email": "{{user.username}}" } } }"#;
/// let check = check_template(pulled, &[ExpectedTemplate::new::<User>()])?;
/// assert!(!check.ok);
/// assert_eq!(
///     check.to_string(),
///     r#"missing    `updatedAt`: `User` expects "{{user.updated_at}}"
/// different  `email`: `User` expects "{{user.primary_email_address}}", Clerk has "{{user.username}}"
/// size       at most 77 of 1200 bytes
/// to set what is expected: clerk config patch --json '{"session":{"claims":{"email":"{{user.primary_email_address}}","updatedAt":"{{user.updated_at}}"}}}'"#
/// );
/// # }
/// # Ok::<(), clerk_auth::template::PulledConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct TemplateCheck {
    /// True if tokens have the claims that the structs expect, and fit into the session cookie.
    pub ok: bool,
    /// Claims of a struct that Clerk does not have. Requests are refused with `session_token_incomplete`.
    pub missing: Vec<CheckedClaim>,
    /// Claims of a struct that have another value at Clerk.
    pub different: Vec<CheckedClaim>,
    /// Claims that no struct has. They are allowed, but take space in the cookie.
    pub unused: Vec<CheckedClaim>,
    /// The largest size of the claims that Clerk has, in bytes; `None` if one of them is unbounded.
    pub bytes: Option<usize>,
    /// True if that size is above [`SessionTokenBudget::LIMIT`], and no struct allows it.
    pub over_budget: bool,
    /// The command that sets the expected claims and keeps the unused ones; `None` if nothing has to be set.
    pub command: Option<String>,
}

/// Compares the output of `clerk config pull --keys session` with the templates of the structs.
///
/// Claims that no struct has are allowed, and listed as unused. Spaces inside the braces of a shortcode are ignored.
///
/// # Errors
///
/// [`PulledConfigError`] if the text is not the output of that command.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::template::{ExpectedTemplate, check_template};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", template_json = r#"{"email": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"}"#, database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// // In continuous integration: the text of a file, or of standard input.
/// let pulled = r#"{
///     "session": {
///         "lifetime": 604800,
///         "claims": { "email": "{{ user.primary_email_address }}", "updatedAt": "{{user.updated_at}}" }
///     }
/// }"#;
/// let check = check_template(pulled, &[ExpectedTemplate::new::<User>()])?;
/// assert!(check.ok, "{check}");
/// # }
/// # Ok::<(), clerk_auth::template::PulledConfigError>(())
/// ```
pub fn check_template(
    pulled: &str,
    structs: &[ExpectedTemplate],
) -> Result<TemplateCheck, PulledConfigError> {
    let found = claims_of(pulled)?;
    let (mut missing, mut different) = (Vec::new(), Vec::new());
    let mut wanted = found.clone();
    let structs_claims: Vec<Map<String, Value>> = structs.iter().map(ExpectedTemplate::claims).collect();
    let unused = found
        .iter()
        .filter(|(name, _)| !structs_claims.iter().any(|claims| claims.contains_key(*name)))
        .map(|(name, value)| CheckedClaim {
            name: name.clone(),
            expected_by: None,
            expected: None,
            found: Some(value.clone()),
        })
        .collect();
    for (expected, claims) in structs.iter().zip(structs_claims) {
        for (name, value) in claims {
            let there = found.get(&name);
            if there.is_some_and(|there| canonical(there) == canonical(&value)) {
                continue;
            }
            wanted.insert(name.clone(), value.clone());
            let list = if there.is_some() {
                &mut different
            } else {
                &mut missing
            };
            // Structs that share a template file expect the same value of a claim.
            let is_listed =
                |listed: &CheckedClaim| listed.name == name && listed.expected.as_ref() == Some(&value);
            if list.iter().any(is_listed) {
                continue;
            }
            list.push(CheckedClaim {
                expected_by: Some(expected.name),
                expected: Some(value),
                found: there.cloned(),
                name,
            });
        }
    }
    let sizes: Option<usize> = found.iter().map(|(name, value)| size::claim(name, value)).sum();
    let bytes = sizes.map(|bytes| bytes + 2);
    let is_allowed = structs.iter().any(ExpectedTemplate::allows_any_size);
    let over_budget = !is_allowed && bytes.is_none_or(|bytes| bytes > SessionTokenBudget::LIMIT);
    let is_complete = missing.is_empty() && different.is_empty();
    Ok(TemplateCheck {
        ok: is_complete && !over_budget,
        command: (!is_complete).then(|| patch_command(&Value::Object(wanted))),
        missing,
        different,
        unused,
        bytes,
        over_budget,
    })
}

/// Returns the claims in a pulled configuration; none if the template was never customized.
fn claims_of(pulled: &str) -> Result<Map<String, Value>, PulledConfigError> {
    let config: Value = serde_json::from_str(pulled).map_err(PulledConfigError::NotJson)?;
    let session = config.get("session").and_then(Value::as_object);
    match session.ok_or(PulledConfigError::NoSession)?.get("claims") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(claims)) => Ok(claims.clone()),
        // The dashboard's editor stores text.
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Map::new()),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(PulledConfigError::ClaimsNotAnObject("text that is not an object")),
        },
        Some(Value::Array(_)) => Err(PulledConfigError::ClaimsNotAnObject("an array")),
        Some(Value::Bool(_) | Value::Number(_)) => Err(PulledConfigError::ClaimsNotAnObject("a literal")),
    }
}

impl fmt::Display for TemplateCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        for claim in &self.missing {
            let (by, expected) = (claim.expected_by.unwrap_or_default(), json(&claim.expected));
            writeln!(
                formatter,
                "missing    `{}`: `{by}` expects {expected}",
                claim.name
            )?;
        }
        for claim in &self.different {
            let (by, expected) = (claim.expected_by.unwrap_or_default(), json(&claim.expected));
            let found = json(&claim.found);
            writeln!(
                formatter,
                "different  `{}`: `{by}` expects {expected}, Clerk has {found}",
                claim.name
            )?;
        }
        for claim in &self.unused {
            writeln!(
                formatter,
                "unused     `{}`: no struct reads {}",
                claim.name,
                json(&claim.found)
            )?;
        }
        let limit = SessionTokenBudget::LIMIT;
        match self.bytes {
            Some(bytes) => write!(formatter, "size       at most {bytes} of {limit} bytes")?,
            None => write!(
                formatter,
                "size       unbounded, {limit} bytes fit into the session cookie"
            )?,
        }
        if self.over_budget {
            write!(
                formatter,
                ": over budget; remove a claim or name one member of an object"
            )?;
        }
        match &self.command {
            Some(command) => write!(formatter, "\nto set what is expected: {command}"),
            None => Ok(()),
        }
    }
}
