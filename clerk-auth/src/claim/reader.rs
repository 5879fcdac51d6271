//! Reads claims into a struct's types and collects every problem.

use std::fmt;

use serde_json::{Map, Value};

use super::kind::ClaimKind;
use super::problem::{ClaimProblem, InvalidClaim};
use crate::lenient::has_private_name;

/// Claims of one user from any source: a session token, or the template evaluated over a webhook.
///
/// A request's claims come from [`Session::claims`](crate::Session::claims); a test creates its own:
///
/// ```
/// use clerk_auth::claim::{Claim, ClaimSource};
///
/// fn locale<'a>(claims: ClaimSource<'a>) -> Option<&'a str> {
///     match claims.claim("locale") {
///         Claim::Value(locale) => locale.as_str(),
///         _ => None,
///     }
/// }
///
/// let claims = serde_json::Map::from_iter([("locale".to_owned(), "fr".into())]);
/// assert_eq!(locale(ClaimSource::new("user_ada", &claims)), Some("fr"));
/// ```
#[derive(Clone, Copy)]
pub struct ClaimSource<'a> {
    subject: &'a str,
    claims: &'a Map<String, Value>,
    unreadable: &'a [&'static str],
}

/// Prints no claim: claims are personal data.
impl fmt::Debug for ClaimSource<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClaimSource")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl<'a> ClaimSource<'a> {
    /// Creates a source from the Clerk user id and the claims by name; a missing name is an absent claim.
    pub fn new(subject: &'a str, claims: &'a Map<String, Value>) -> Self {
        Self {
            subject,
            claims,
            unreadable: &[],
        }
    }

    /// Adds the names of claims that were received and could not be read.
    pub(crate) fn with_unreadable(self, unreadable: &'a [&'static str]) -> Self {
        Self { unreadable, ..self }
    }

    /// Returns the same claims with the key of an organization or a membership as subject.
    pub(crate) fn about(self, subject: &'a str) -> Self {
        Self { subject, ..self }
    }

    /// Returns the id of the claims' subject: the Clerk user id, or the organization id for the row of an organization.
    pub fn subject(&self) -> &'a str {
        self.subject
    }

    /// Returns one claim by name. A received but unreadable claim is absent, and never null.
    pub fn claim(&self, name: &str) -> Claim<'a> {
        match self.claims.get(name) {
            None => Claim::Absent,
            Some(Value::Null) => Claim::Null,
            Some(value) => Claim::Value(value),
        }
    }
}

/// A claim. An absent claim is not a null claim: only null may clear a column.
///
/// ```
/// use clerk_auth::Session;
/// use clerk_auth::claim::Claim;
///
/// fn birthday(session: &Session) -> Result<Option<&str>, &'static str> {
///     match session.claim("birthday") {
///         Claim::Value(date) => date.as_str().map(Some).ok_or("the birthday is no text"),
///         Claim::Null => Ok(None), // the user has told none
///         Claim::Absent => Err("the session token's template lacks the birthday"),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim<'a> {
    /// The token does not have the claim: its template was not saved, or the token is older than the template.
    Absent,
    /// The claim is null: the user has no such value at Clerk.
    Null,
    /// The value.
    Value(&'a Value),
}

/// The problems with the claims of one user, by claim name.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::{SyncedRow, SyncedUser};
/// use clerk_auth::claim::ClaimSource;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// // A token that was minted before the template was saved lacks all custom claims.
/// let claims = serde_json::Map::new();
/// let error = User::read_claims(ClaimSource::new("user_ada", &claims)).err().expect("a claim is absent");
/// assert!(error.absent().eq(["email"]));
/// assert_eq!(error.to_string(), "claim `email` is absent");
/// # }
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnreadableClaims {
    problems: Vec<(&'static str, ClaimProblem)>,
}

impl UnreadableClaims {
    pub(crate) fn one(name: &'static str, problem: ClaimProblem) -> Self {
        Self {
            problems: vec![(name, problem)],
        }
    }

    /// Combines both lists. A claim that feeds both a column and the version is listed once.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        self
    }

    /// The claims that could not be read, in the order of the struct's fields.
    pub fn problems(&self) -> &[(&'static str, ClaimProblem)] {
        &self.problems
    }

    /// Returns whether every problem equals `problem`.
    pub(crate) fn all(&self, problem: &ClaimProblem) -> bool {
        self.problems.iter().all(|(_, found)| found == problem)
    }

    /// The names of the claims that are absent.
    pub fn absent(&self) -> impl Iterator<Item = &'static str> {
        self.problems
            .iter()
            .filter(|(_, problem)| *problem == ClaimProblem::Absent)
            .map(|(name, _)| *name)
    }
}

impl fmt::Display for UnreadableClaims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, problem)) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}claim `{name}` {}", problem.predicate())?;
        }
        Ok(())
    }
}

impl std::error::Error for UnreadableClaims {}

/// Reads one struct's claims; called by generated code.
///
/// ```
/// use clerk_auth::claim::{ClaimReader, ClaimSource, FromClaim, Nullable, Text};
/// use clerk_auth::id::UserId;
///
/// let claims = serde_json::Map::from_iter([("email".to_owned(), "ada@example.com".into())]);
/// let mut reader = ClaimReader::new(ClaimSource::new("user_ada", &claims));
/// let id = reader.subject(<UserId as FromClaim<Text>>::from_claim);
/// let email = reader.claim::<Text, String>("email", FromClaim::<Text>::from_claim);
/// let name = reader.claim::<Nullable<Text>, Option<String>>("firstName", FromClaim::<Nullable<Text>>::from_claim);
/// let error = reader.finish(id.zip(email).zip(name)).unwrap_err();
/// assert_eq!(error.to_string(), "claim `firstName` is absent");
/// ```
pub struct ClaimReader<'a> {
    source: ClaimSource<'a>,
    unreadable: UnreadableClaims,
}

/// Prints no claim: claims are personal data.
impl fmt::Debug for ClaimReader<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClaimReader")
            .field("source", &self.source)
            .field("unreadable", &self.unreadable)
            .finish()
    }
}

impl<'a> ClaimReader<'a> {
    /// Starts reading.
    pub fn new(source: ClaimSource<'a>) -> Self {
        Self {
            source,
            unreadable: UnreadableClaims::default(),
        }
    }

    /// The claims that are read.
    pub(crate) fn source(&self) -> ClaimSource<'a> {
        self.source
    }

    /// Reads the key of the row, the Clerk user id.
    pub fn subject<T>(&mut self, hold: impl FnOnce(&str) -> Result<T, InvalidClaim>) -> Option<T> {
        let held = hold(self.source.subject);
        self.keep("sub", held.map_err(ClaimProblem::from))
    }

    /// Reads a claim of kind `K`. Returns `None` if there was a problem, which is recorded.
    pub fn claim<K: ClaimKind, T>(
        &mut self,
        name: &'static str,
        hold: impl FnOnce(K::Value<'_>) -> Result<T, InvalidClaim>,
    ) -> Option<T> {
        let held = match self.source.claim(name) {
            _ if self.source.unreadable.contains(&name) => Err(ClaimProblem::Unreadable),
            // serde_json could write such a value to a JSON column, but could not read back that row, or any row in the
            // same read.
            Claim::Value(value) if has_private_name(value) => Err(ClaimProblem::Unreadable),
            Claim::Absent => Err(ClaimProblem::Absent),
            Claim::Null => K::read(&Value::Null).and_then(|value| hold(value).map_err(ClaimProblem::from)),
            Claim::Value(value) => K::read(value).and_then(|value| hold(value).map_err(ClaimProblem::from)),
        };
        self.keep(name, held)
    }

    /// Finishes: returns the struct's claims if there was no problem.
    ///
    /// # Errors
    ///
    /// [`UnreadableClaims`] with every recorded problem.
    pub fn finish<T>(self, claims: Option<T>) -> Result<T, UnreadableClaims> {
        claims.ok_or(self.unreadable)
    }

    fn keep<T>(&mut self, name: &'static str, held: Result<T, ClaimProblem>) -> Option<T> {
        held.map_err(|problem| self.unreadable.problems.push((name, problem)))
            .ok()
    }
}
