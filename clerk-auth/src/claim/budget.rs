//! The largest share of a session token that a template's claims can take.

use std::fmt;

/// The largest size of a template's claims in a session token, in bytes, as computed by the derive.
///
/// A browser stores a cookie of at most 4 KB. Clerk's own claims take most of that, and Clerk recommends less than 1.2
/// KB of custom claims. If the cookie grows too large, browsers drop it, and sign-in fails for everyone. The derive
/// rejects a template over [`LIMIT`](Self::LIMIT).
///
/// The figures are UTF-8 bytes of JSON before base64url. Static text counts unchanged. E-mail addresses count 254 (RFC
/// 5321 section 4.5.3.1.3), phone numbers 16 (E.164), times 10, and Clerk's ids 32. Clerk documents no bound for names,
/// picture addresses and values inside metadata; 100, 300 and 100 are assumed.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use clerk_auth::{SyncedRow, SyncedUser};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(postgres))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// # #[test]
/// fn the_session_token_stays_small() {
///     let budget = User::SESSION_TOKEN_BUDGET;
///     assert!(budget.total().is_some_and(|bytes| bytes < 1_000), "{budget}");
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionTokenBudget {
    /// The claims in the order of the template.
    pub claims: &'static [ClaimBudget],
}

/// The largest size of one claim.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::{SyncedRow, SyncedUser};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// // Which claim to give up first when the token gets too long.
/// let largest = User::SESSION_TOKEN_BUDGET.claims.iter().max_by_key(|claim| claim.bytes);
/// assert_eq!(largest.map(|claim| (claim.name, claim.bytes)), Some(("imageUrl", Some(314))));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClaimBudget {
    /// The claim's name.
    pub name: &'static str,
    /// The largest size of its name, its value and the punctuation around them, in bytes; `None` if unbounded.
    pub bytes: Option<usize>,
}

impl SessionTokenBudget {
    /// The largest size that the derive accepts, in bytes: Clerk's 1.2 KB.
    pub const LIMIT: usize = 1_200;

    #[doc(hidden)]
    pub const fn new(claims: &'static [ClaimBudget]) -> Self {
        Self { claims }
    }

    /// Returns the sum with its two braces, in bytes; `None` if one of the claims is unbounded.
    pub fn total(&self) -> Option<usize> {
        let claims: Option<usize> = self.claims.iter().map(|claim| claim.bytes).sum();
        claims.map(|bytes| bytes + 2)
    }
}

impl ClaimBudget {
    #[doc(hidden)]
    pub const fn new(name: &'static str, bytes: Option<usize>) -> Self {
        Self { name, bytes }
    }
}

/// Prints one line for each claim, then the sum.
impl fmt::Display for SessionTokenBudget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: Option<usize>| bytes.map_or("unbounded".to_owned(), |bytes| bytes.to_string());
        for claim in self.claims {
            writeln!(formatter, "{:>9}  {}", bytes(claim.bytes), claim.name)?;
        }
        write!(formatter, "{:>9}  of {} bytes", bytes(self.total()), Self::LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unbounded_claim_makes_the_sum_unbounded() {
        const BOUNDED: &[ClaimBudget] = &[
            ClaimBudget::new("email", Some(265)),
            ClaimBudget::new("plan", Some(108)),
        ];
        const UNBOUNDED: &[ClaimBudget] = &[
            ClaimBudget::new("email", Some(265)),
            ClaimBudget::new("all", None),
        ];
        for (claims, total, text) in [
            (
                BOUNDED,
                Some(375),
                "      265  email\n      108  plan\n      375  of 1200 bytes",
            ),
            (
                UNBOUNDED,
                None,
                "      265  email\nunbounded  all\nunbounded  of 1200 bytes",
            ),
        ] {
            let budget = SessionTokenBudget::new(claims);
            assert_eq!(budget.total(), total);
            assert_eq!(budget.to_string(), text);
        }
    }
}
