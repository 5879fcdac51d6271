//! What to do with a row that was read: a pure decision.

use super::version::Version;
use crate::sync::store::interface::Stored;
use crate::user::{SyncedUser, VersionSource};

/// What sync did for a request.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// # #[derive(Clone, clerk_auth::SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # struct User { clerk_id: String }
/// use axum::response::Redirect;
/// use clerk_auth::sync::SyncOutcome;
/// use clerk_auth::{Synced, authenticated};
///
/// #[authenticated]
/// async fn after_sign_in(synced: Synced<User>) -> Redirect {
///     match synced.outcome {
///         SyncOutcome::Inserted => Redirect::to("/welcome"),
///         _ => Redirect::to("/home"),
///     }
/// }
/// # }
/// ```
///
/// Of several first requests at once one has inserted the row, and of a user whom a webhook has told of none:
/// what must happen once for each user stands in [`on_insert`](crate::sync::UserSyncBuilder::on_insert).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SyncOutcome {
    /// The row was created by this request.
    Inserted,
    /// A claim had changed, and the row with it.
    Updated,
    /// The row already said what the claims say, or says something newer.
    Unchanged,
    /// The same of a row that was read a moment ago; the database was not asked.
    Cached,
}

impl SyncOutcome {
    /// One lower-case word, as for a response header: `inserted`, `updated`, `unchanged`, `cached`.
    ///
    /// ```
    /// use clerk_auth::sync::SyncOutcome;
    ///
    /// assert_eq!(SyncOutcome::Inserted.as_str(), "inserted");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Cached => "cached",
        }
    }
}

/// What follows from a read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plan {
    /// Hand out the row; nothing is written.
    Serve,
    /// Hand out the row; its claims are as they should be, but known at a newer version, which must be noted lest an
    /// older change arrive late and win.
    RaiseVersion,
    /// Write the claims.
    Write,
    /// The user was deleted; a token that is still valid does not bring them back.
    Gone,
}

pub(crate) fn plan<U: SyncedUser>(stored: Option<&Stored<U>>, claims: &U::Claims, version: Version) -> Plan {
    let Some(stored) = stored else {
        return Plan::Write;
    };
    if stored.deleted {
        return Plan::Gone;
    }
    if stored.version > version {
        return Plan::Serve;
    }
    if !stored.user.holds(claims) {
        return Plan::Write;
    }
    match U::VERSION {
        // The version grows with every token whose claims Clerk has read anew; recording it would be a write a minute
        // for each user, for a version that does not show a change.
        VersionSource::IssuedAt => Plan::Serve,
        VersionSource::UpdatedAt { .. } if stored.version == version => Plan::Serve,
        VersionSource::UpdatedAt { .. } => Plan::RaiseVersion,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::claim::{ClaimSource, SessionTokenBudget, TemplateClaim, UnreadableClaims};

    #[derive(Clone, Debug, Eq, PartialEq)]
    struct Person(&'static str);

    impl crate::user::Derived for Person {}

    impl SyncedUser for Person {
        type Claims = &'static str;
        const NAME: &'static str = "Person";
        const SESSION_TOKEN_TEMPLATE: &'static str = "{}";
        const TEMPLATE: &'static [TemplateClaim] = &[];
        const SESSION_TOKEN_BUDGET: SessionTokenBudget = SessionTokenBudget::new(&[]);
        const TABLE: &'static str = "people";
        const VERSION: VersionSource = VersionSource::UpdatedAt { claim: "updatedAt" };
        const FRESH_FOR: Duration = Duration::ZERO;

        fn read_claims(_: ClaimSource<'_>) -> Result<Self::Claims, UnreadableClaims> {
            Ok("")
        }

        fn holds(&self, claims: &Self::Claims) -> bool {
            self.0 == *claims
        }

        fn copy(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn clear(_: &mut Self::Claims, _: usize) -> bool {
            false
        }
    }

    #[test]
    fn the_newer_version_wins_and_equal_claims_are_not_written() {
        let row = |name, version, deleted| {
            Some(Stored {
                user: Arc::new(Person(name)),
                version: Version::stored(version),
                deleted,
            })
        };
        for (stored, claims, version, expected) in [
            (None, "ada", 5, Plan::Write),
            (row("ada", 5, false), "ada", 5, Plan::Serve),
            (row("ada", 6, false), "ada", 5, Plan::Serve),
            (row("ada", 4, false), "ada", 5, Plan::RaiseVersion),
            (row("eve", 4, false), "ada", 5, Plan::Write),
            (row("eve", 5, false), "ada", 5, Plan::Write),
            (row("eve", 6, false), "ada", 5, Plan::Serve),
            (row("ada", 4, true), "ada", 5, Plan::Gone),
            (row("ada", 9, true), "ada", 5, Plan::Gone),
        ] {
            let label = format!("{stored:?} {claims} {version}");
            assert_eq!(
                plan(stored.as_ref(), &claims, Version::stored(version)),
                expected,
                "{label}"
            );
        }
    }
}
