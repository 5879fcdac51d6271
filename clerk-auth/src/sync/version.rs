//! The version of what a source says about a user: newer data wins, older data never overwrites it.

use crate::time::Timestamp;

/// When a user was last changed, as far as a source knows, in milliseconds since the epoch.
///
/// Tokens and webhooks describe the same user at different moments and arrive in any order; the version is what orders
/// them.
///
/// ```
/// use clerk_auth::sync::Version;
/// use clerk_auth::time::Timestamp;
///
/// let webhook = Version::of_api(Timestamp::from_milliseconds(1_700_000_000_250));
/// let token = Version::of_token(Timestamp::from_seconds(1_700_000_000), Timestamp::from_seconds(1_700_000_030));
/// assert!(token > webhook); // the token was minted after everything of that second
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version(i64);

impl Version {
    /// The version of a webhook or a Backend API answer: `updated_at`, in milliseconds.
    ///
    /// ```
    /// use clerk_auth::sync::Version;
    /// use clerk_auth::time::Timestamp;
    ///
    /// let updated_at = Timestamp::from_milliseconds(1_700_000_000_250);
    /// assert_eq!(Version::of_api(updated_at).milliseconds(), 1_700_000_000_250);
    /// ```
    pub fn of_api(updated_at: Timestamp) -> Self {
        Self(updated_at.milliseconds())
    }

    /// The version of a session token whose template has `{{user.updated_at}}`, which is in whole seconds.
    ///
    /// A token minted in a later second has seen everything of that second; one minted in the same second may have
    /// missed the end of it. No token has seen a change after it was minted, so an `updated_at` after `iat` counts as
    /// `iat`: a value that is wrong (milliseconds, say) cannot outrank every later change.
    ///
    /// ```
    /// use clerk_auth::sync::Version;
    /// use clerk_auth::time::Timestamp;
    ///
    /// let second = Timestamp::from_seconds;
    /// assert_eq!(Version::of_token(second(100), second(107)).milliseconds(), 100_999);
    /// assert_eq!(Version::of_token(second(100), second(100)).milliseconds(), 100_000);
    /// assert_eq!(Version::of_token(second(100_000), second(100)).milliseconds(), 100_000);
    /// ```
    pub fn of_token(updated_at: Timestamp, issued_at: Timestamp) -> Self {
        let (updated_at, issued_at) = (updated_at.seconds(), issued_at.seconds());
        if issued_at > updated_at {
            Self(updated_at.saturating_mul(1_000).saturating_add(999))
        } else {
            Self(issued_at.saturating_mul(1_000))
        }
    }

    /// The version of a session token without `{{user.updated_at}}`: when it was minted. Weaker, because a token can
    /// be minted after a change and still carry the values of before it.
    ///
    /// ```
    /// use clerk_auth::sync::Version;
    /// use clerk_auth::time::Timestamp;
    ///
    /// assert_eq!(Version::of_issue(Timestamp::from_seconds(7)).milliseconds(), 7_000);
    /// ```
    pub fn of_issue(issued_at: Timestamp) -> Self {
        Self(issued_at.seconds().saturating_mul(1_000))
    }

    pub(crate) const fn stored(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch, as the version column stores it.
    pub const fn milliseconds(self) -> i64 {
        self.0
    }
}
