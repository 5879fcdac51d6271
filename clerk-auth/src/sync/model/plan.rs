//! Decides what to do with a row that was read, as a pure function.

use super::observation::Observation;
use super::row::StoredRow;
use crate::row::{RowKind, SyncedRow, VersionSource};

/// The decision for a row that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plan {
    /// Serve the row; nothing is written.
    Serve,
    /// The row's claims are confirmed at a newer version. Raise the version, so that an older change that arrives late
    /// does not win.
    ///
    /// Then read the row again: before the raise, other claims of the same version may have replaced those that were
    /// read. After the raise, that is impossible.
    RaiseVersion,
    /// Write the claims.
    Write,
    /// The user was deleted; a token that is still valid does not recreate the row.
    UserDeleted,
}

pub(crate) fn plan<U: SyncedRow>(stored: Option<&StoredRow<U>>, observation: &Observation<'_, U>) -> Plan {
    let version = observation.version;
    let Some(stored) = stored else {
        return Plan::Write;
    };
    if stored.deleted {
        // A removed member may return. Ids of users and organizations are never reused.
        return match U::KIND {
            RowKind::Membership if version > stored.version => Plan::Write,
            _ => Plan::UserDeleted,
        };
    }
    if stored.version > version {
        return Plan::Serve;
    }
    if !stored.user.matches(&observation.claims) {
        return Plan::Write;
    }
    match U::VERSION {
        // This version grows with every token, without a change of the user. Recording it would cost a write per user
        // and minute.
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
    use crate::row::Compared;
    use crate::sync::model::version::Version;

    #[derive(Clone, Debug, Eq, PartialEq)]
    struct Person(&'static str);

    impl SyncedRow for Person {
        const KIND: RowKind = RowKind::User;
        const LOCAL_KEY: &'static str = "clerk_id";
        const CLERK_ID: &'static str = "clerk_id";
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

        fn compare<R>(&self, with: Compared<'_, Self>, read: fn(&[(&'static str, bool)]) -> R) -> R {
            let name = match with {
                Compared::Claims(name) => *name,
                Compared::Row(row) => row.0,
            };
            read(&[("name", self.0 == name)])
        }

        fn try_clone(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn set_null(_: &mut Self::Claims, _: usize) -> bool {
            false
        }
    }

    #[test]
    fn newer_version_wins_and_equal_claims_are_not_written() {
        let row = |name, version, deleted| {
            Some(StoredRow {
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
            (row("ada", 4, true), "ada", 5, Plan::UserDeleted),
            (row("ada", 9, true), "ada", 5, Plan::UserDeleted),
        ] {
            let label = format!("{stored:?} {claims} {version}");
            let none = serde_json::Map::new();
            let observation = Observation {
                source: ClaimSource::new("user_ada", &none),
                claims,
                version: Version::stored(version),
            };
            assert_eq!(plan(stored.as_ref(), &observation), expected, "{label}");
        }
    }
}
