//! Compares the table with Clerk, without writing anything.

use std::collections::HashMap;
use std::fmt;

use super::page::Page;
use super::progress::NotImported;
use super::row_state::RowState;
use super::{missing, row_state};
use crate::backend_api::{BackendApi, MAX_PAGE_SIZE};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::row::SyncedRow;
use crate::sync::handle::UserSync;
use crate::sync::offline::error::ImportError;
use crate::sync::offline::instance;
use crate::sync::offline::pages::up_to_last_id;
use crate::sync::offline::retry::{RETRY_FOR, RetryPolicy};

/// The differences between the table and Clerk; created by [`UserSync::verify`].
///
/// Written as JSON through serde, and as text through `Display`.
///
/// ```
/// use clerk_auth::id::UserId;
/// use clerk_auth::sync::Drift;
///
/// let mut drift = Drift::default(); // what `users.verify(&api).await?` has found
/// (drift.users, drift.rows) = (2, 1);
/// (drift.missing.count, drift.missing.user_ids) = (1, vec![UserId::new("user_ada")]);
///
/// assert!(!drift.is_empty());
/// let text = "2 users, 1 rows: 1 missing, 0 stale, 0 extra, 0 deleted, 0 unreadable\nmissing user_ada";
/// assert_eq!(drift.to_string(), text);
/// assert_eq!(serde_json::to_value(&drift)?["missing"]["user_ids"][0], "user_ada");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// The number of Clerk's users.
    pub users: u64,
    /// The number of users' rows in the table, without those marked as deleted.
    pub rows: u64,
    /// Users of Clerk without a row.
    pub missing: UserList,
    /// Rows that differ from Clerk, and are not newer.
    pub stale: UserList,
    /// Rows of users who do not exist at Clerk.
    pub extra: UserList,
    /// Rows marked as deleted of users who still exist at Clerk. An import leaves them unchanged.
    pub deleted: UserList,
    /// Users whom the struct cannot hold, so that they cannot have a row.
    pub unreadable: UserList,
    /// The reasons why an import skips the listed users of `deleted` and `unreadable`: the text of
    /// [`NotImported`](crate::sync::NotImported).
    pub reasons: Vec<(UserId, String)>,
}

/// Users by id. All of them are counted, and the first [`UserList::MAX_LISTED`] are listed, so that the list is bounded
/// even if every row is missing.
///
/// ```
/// use clerk_auth::sync::{Drift, UserList};
///
/// fn summary(list: &UserList) -> String {
///     match list.user_ids.first() {
///         Some(first) => format!("{}, {first} among them", list.count),
///         None => "none".to_owned(),
///     }
/// }
///
/// assert_eq!(summary(&Drift::default().stale), "none");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct UserList {
    /// The number of users.
    pub count: u64,
    /// The ids of the first users.
    pub user_ids: Vec<UserId>,
}

impl<U: SyncedRow> UserSync<U> {
    /// Compares all of Clerk's users with their rows, and all rows with Clerk's users, and writes nothing; an
    /// [`import`](Self::import) fixes the differences. Users who change meanwhile may be listed.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::sync::ImportError;
    /// use clerk_auth::{SyncedUser, UserSync};
    ///
    /// async fn verify<U: SyncedUser>(users: &UserSync<U>, api: &BackendApi) -> Result<(), ImportError> {
    ///     let drift = users.verify(api).await?;
    ///     if !drift.is_empty() {
    ///         println!("{drift}");
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ImportError`] if `api` has the secret key of another instance, or if Clerk or the database fails for a minute.
    pub async fn verify(&self, api: &BackendApi) -> Result<Drift, ImportError> {
        let policy = RetryPolicy(RETRY_FOR);
        let engine = &self.engine;
        api.warn_unless_at(engine.clerk.api_url());
        instance::check_instance(engine, api, policy).await?;
        let mut drift = Drift::default();
        let mut after = None;
        loop {
            let page = policy
                .retry_api(|| api.users(after.as_ref(), MAX_PAGE_SIZE))
                .await?;
            let (users, last) = up_to_last_id(&page);
            self.compare(users, policy, &mut drift).await?;
            let Some(last) = last else {
                break;
            };
            after = Some(UserId::new(last));
        }
        let mut last = UserId::new("");
        loop {
            let rows = missing::rows_after(engine, last.as_str(), policy).await?;
            let Some(end) = rows.last().cloned() else {
                return Ok(drift);
            };
            drift.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            for user_id in missing::unknown_to_clerk(api, &rows, policy).await? {
                drift.extra.push(user_id);
            }
            last = end;
        }
    }

    async fn compare(
        &self,
        page: &[LenientValue],
        policy: RetryPolicy,
        drift: &mut Drift,
    ) -> Result<(), ImportError> {
        let page = Page::new::<U>(page);
        let (observations, unreadable) = page.observations::<U>();
        for (user_id, reason) in unreadable.not_imported {
            drift.users += 1;
            drift.reasons.extend(drift.unreadable.skip(user_id, &reason));
        }
        let row_states = policy
            .retry_db::<U, _, _>(|| row_state::row_states(&self.engine, &observations))
            .await?;
        for (observation, state) in observations.iter().zip(row_states) {
            drift.users += 1;
            let user_id = UserId::new(observation.clerk_id());
            match state {
                RowState::Missing => drift.missing.push(user_id),
                RowState::Stale | RowState::Different => drift.stale.push(user_id),
                RowState::Deleted => {
                    let skipped = drift.deleted.skip(user_id, &NotImported::Deleted);
                    drift.reasons.extend(skipped);
                }
                RowState::Unreadable => {
                    let skipped = drift.unreadable.skip(user_id, &NotImported::UnreadableRow);
                    drift.reasons.extend(skipped);
                }
                RowState::VersionBehind | RowState::Current => {}
            }
        }
        Ok(())
    }
}

impl Drift {
    /// Returns whether every Clerk user that the struct can represent has a correct row, and no other rows exist.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.missing, &self.stale, &self.extra, &self.deleted];
        lists.iter().all(|list| list.count == 0)
    }
}

impl UserList {
    /// The maximum number of users that are listed.
    pub const MAX_LISTED: usize = 10_000;

    fn push(&mut self, user_id: UserId) {
        self.count += 1;
        if self.user_ids.len() < Self::MAX_LISTED {
            self.user_ids.push(user_id);
        }
    }

    /// Lists a user whom an import skips. Returns the reason, if the user is listed.
    fn skip(&mut self, user_id: UserId, reason: &NotImported) -> Option<(UserId, String)> {
        let reason = (self.user_ids.len() < Self::MAX_LISTED).then(|| (user_id.clone(), reason.to_string()));
        self.push(user_id);
        reason
    }
}

impl fmt::Display for Drift {
    /// Writes a line of counts, and one for each listed user.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("missing", &self.missing),
            ("stale", &self.stale),
            ("extra", &self.extra),
            ("deleted", &self.deleted),
            ("unreadable", &self.unreadable),
        ];
        write!(formatter, "{} users, {} rows:", self.users, self.rows)?;
        for (place, (name, list)) in lists.into_iter().enumerate() {
            let separator = if place == 0 { " " } else { ", " };
            write!(formatter, "{separator}{} {name}", list.count)?;
        }
        let reasons: HashMap<&str, &str> = self
            .reasons
            .iter()
            .map(|(user_id, reason)| (user_id.as_str(), &**reason))
            .collect();
        for (name, list) in lists {
            for user_id in &list.user_ids {
                write!(formatter, "\n{name} {user_id}")?;
                if let Some(reason) = reasons.get(user_id.as_str()) {
                    write!(formatter, ": {reason}")?;
                }
            }
            let named = u64::try_from(list.user_ids.len()).unwrap_or(u64::MAX);
            if list.count > named {
                write!(formatter, "\n{name} and {} more", list.count - named)?;
            }
        }
        Ok(())
    }
}
