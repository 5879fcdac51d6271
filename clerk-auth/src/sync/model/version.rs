//! The version of a source's data about a user: older data never overwrites newer data.

use crate::time::Timestamp;

/// The time of a user's last change, as far as a source shows it, in milliseconds since the epoch.
///
/// Tokens and webhooks describe the same user at different times and arrive in any order; the version orders them.
///
/// ```
/// use clerk_auth::sync::Version;
/// use clerk_auth::time::Timestamp;
///
/// let webhook = Version::from_api(Timestamp::from_millis(1_700_000_000_250));
/// let token = Version::from_token(Timestamp::from_secs(1_700_000_000), Timestamp::from_secs(1_700_000_030));
/// assert!(token > webhook); // the token's claims were read after all changes of that second
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version(i64);

impl Version {
    /// Returns the version of a webhook or a Backend API answer: `updated_at`, in milliseconds.
    ///
    /// ```
    /// use clerk_auth::sync::Version;
    /// use clerk_auth::time::Timestamp;
    ///
    /// let updated_at = Timestamp::from_millis(1_700_000_000_250);
    /// assert_eq!(Version::from_api(updated_at).as_millis(), 1_700_000_000_250);
    /// ```
    pub fn from_api(updated_at: Timestamp) -> Self {
        Self(updated_at.as_millis())
    }

    /// Returns the version of a session token whose template has `{{user.updated_at}}`, a time in whole seconds.
    ///
    /// `claims_read_at` is [`Session::claims_read_at`](crate::Session::claims_read_at), which for a token of Clerk's
    /// edge is earlier than its `iat`. Claims that were read in a later second than `updated_at` include all changes of
    /// that second. Claims that were read in the same second may lack some of them. An `updated_at` after
    /// `claims_read_at` is impossible, and counts as `claims_read_at`: so a wrong value, such as milliseconds, cannot
    /// outrank every later change.
    ///
    /// ```
    /// use clerk_auth::sync::Version;
    /// use clerk_auth::time::Timestamp;
    ///
    /// let second = Timestamp::from_secs;
    /// assert_eq!(Version::from_token(second(100), second(107)).as_millis(), 100_999);
    /// assert_eq!(Version::from_token(second(100), second(100)).as_millis(), 100_000);
    /// assert_eq!(Version::from_token(second(100_000), second(100)).as_millis(), 100_000);
    /// ```
    pub fn from_token(updated_at: Timestamp, claims_read_at: Timestamp) -> Self {
        let (updated_at, read_at) = (updated_at.as_secs(), claims_read_at.as_secs());
        if read_at > updated_at {
            Self(updated_at.saturating_mul(1_000).saturating_add(999))
        } else {
            Self(read_at.saturating_mul(1_000))
        }
    }

    /// Returns the version of a session token without `{{user.updated_at}}`: the time at which its claims were read,
    /// [`Session::claims_read_at`](crate::Session::claims_read_at). This version is weaker, because claims read in the
    /// second of a change can lack the change. Nor is it the time of the user's last change.
    ///
    /// ```
    /// use clerk_auth::sync::Version;
    /// use clerk_auth::time::Timestamp;
    ///
    /// assert_eq!(Version::from_issue(Timestamp::from_secs(7)).as_millis(), 7_000);
    /// ```
    pub fn from_issue(claims_read_at: Timestamp) -> Self {
        Self(claims_read_at.as_secs().saturating_mul(1_000))
    }

    pub(crate) const fn stored(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Returns the milliseconds since the epoch, as the version column stores it.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}
