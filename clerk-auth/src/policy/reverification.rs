//! How recently a user must have verified their factors.

/// How recently a factor must have been verified: Clerk's presets.
///
/// Clerk reports the ages in whole minutes. An age of exactly the bound is too old, and a session without ages is
/// denied. For a user without a second factor, the first factor counts instead.
///
/// ```
/// use clerk_auth::policy::{Denied, Reverification};
/// use clerk_auth::{Session, authenticated};
///
/// #[authenticated(reverification = "strict")]
/// async fn close_account(session: Session) -> String {
///     format!("good-bye, {}", session.user_id())
/// }
///
/// // The body of a 403 for a second factor that was verified ten minutes ago.
/// assert_eq!(Denied::Reverification(Reverification::Strict).code(), "reverification_required");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reverification {
    /// Both factors within 10 minutes.
    StrictMfa,
    /// The second factor within 10 minutes.
    Strict,
    /// The second factor within an hour.
    Moderate,
    /// The second factor within a day.
    Lax,
}

impl Reverification {
    const fn minutes(self) -> i64 {
        match self {
            Self::StrictMfa | Self::Strict => 10,
            Self::Moderate => 60,
            Self::Lax => 1_440,
        }
    }

    /// Returns Clerk's name for the preset, as its front-end hook reads it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StrictMfa => "strict_mfa",
            Self::Strict => "strict",
            Self::Moderate => "moderate",
            Self::Lax => "lax",
        }
    }

    /// Implements Clerk's truth table. An age equal to the bound is stale, and -1 means never. For a user without a
    /// second factor, the first factor counts.
    pub(super) fn is_met(self, ages: Option<[i64; 2]>) -> bool {
        let Some([first, second]) = ages else {
            return false;
        };
        let fresh = |age: i64| age != -1 && self.minutes() > age;
        match self {
            _ if second == -1 => fresh(first),
            Self::StrictMfa => fresh(first) && fresh(second),
            Self::Strict | Self::Moderate | Self::Lax => fresh(second),
        }
    }
}
