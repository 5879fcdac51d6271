//! Compares the table with Clerk, without writing anything.

use std::collections::HashMap;
use std::fmt;

use super::id::ImportedId;
use super::page::Page;
use super::progress::NotImported;
use super::row_state::RowState;
use super::{missing, row_state};
use crate::backend_api::{BackendApi, BackendApiError, MAX_PAGE_SIZE};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::handle::UserSync;
use crate::sync::offline::error::ImportError;
use crate::sync::offline::instance;
use crate::sync::offline::pages::list_after;
use crate::sync::offline::retry::{RETRY_FOR, RetryPolicy};

/// The differences between a table and Clerk; created by [`UserSync::verify`],
/// [`OrganizationSync::verify`](crate::OrganizationSync::verify) and [`MembershipSync::verify`](crate::MembershipSync::verify).
///
/// Serializes to JSON through serde, and prints as text.
///
/// ```
/// use clerk_auth::id::UserId;
/// use clerk_auth::sync::Drift;
///
/// let mut drift = Drift::default(); // the result of `users.verify(&api).await?`
/// (drift.in_clerk, drift.rows) = (2, 1);
/// (drift.missing.count, drift.missing.ids) = (1, vec![UserId::new("user_ada")]);
///
/// assert!(!drift.is_empty());
/// let text = "2 users, 1 rows: 1 missing, 0 stale, 0 extra, 0 deleted, 0 unreadable\nmissing user_ada";
/// assert_eq!(drift.to_string(), text);
/// assert_eq!(serde_json::to_value(&drift)?["missing"]["ids"][0], "user_ada");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Drift<I: ImportedId = UserId> {
    /// The number of Clerk's users, organizations or memberships.
    pub in_clerk: u64,
    /// The number of rows in the table, without those marked as deleted.
    pub rows: u64,
    /// Users, organizations or memberships of Clerk without a row.
    pub missing: IdList<I>,
    /// Rows that differ from Clerk, and are not newer.
    pub stale: IdList<I>,
    /// Rows whose object does not exist at Clerk.
    pub extra: IdList<I>,
    /// Rows marked as deleted whose object still exists at Clerk. An import leaves them unchanged.
    pub deleted: IdList<I>,
    /// Users, organizations or memberships that the struct cannot hold, so that they cannot have a row.
    pub unreadable: IdList<I>,
    /// The reasons why an import skips the listed ids of `deleted` and `unreadable`: the text of
    /// [`NotImported`](crate::sync::NotImported).
    pub reasons: Vec<(I, String)>,
    /// True if the instance has no organizations, that is, Clerk answers 403 or 404. Then nothing was compared.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub organizations_disabled: bool,
}

/// The ids of users, organizations or memberships. All are counted, and the first [`IdList::MAX_LISTED`] are listed, so
/// that the list is bounded.
///
/// ```
/// use clerk_auth::sync::{Drift, IdList};
///
/// fn summary(list: &IdList) -> String {
///     match list.ids.first() {
///         Some(first) => format!("{}, {first} among them", list.count),
///         None => "none".to_owned(),
///     }
/// }
///
/// assert_eq!(summary(&Drift::default().stale), "none");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct IdList<I: ImportedId = UserId> {
    /// The number of ids.
    pub count: u64,
    /// The first ids.
    pub ids: Vec<I>,
}

impl<U: SyncedRow> UserSync<U> {
    /// Compares all of Clerk's users with the rows, in both directions, without writing. An [`import`](Self::import)
    /// fixes the differences. Users who change meanwhile may be listed.
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
        verify(&self.engine, api).await
    }
}

/// Compares Clerk's objects with the rows, in both directions.
pub(super) async fn verify<U: SyncedRow, I: ImportedId>(
    engine: &Engine<U>,
    api: &BackendApi,
) -> Result<Drift<I>, ImportError> {
    let policy = RetryPolicy(RETRY_FOR);
    api.warn_unless_at(engine.clerk.api_url());
    instance::check_instance(engine, api, policy).await?;
    let mut drift = Drift::default();
    let mut after = None;
    loop {
        let page = list_after(api, U::KIND, after.as_ref(), MAX_PAGE_SIZE, policy).await;
        let page = match page {
            Err(BackendApiError::OrganizationsDisabled { status, code }) if after.is_none() => {
                tracing::warn!(
                    status,
                    code,
                    "Clerk has no {}: organizations are switched off",
                    I::NOUN
                );
                drift.organizations_disabled = true;
                return Ok(drift);
            }
            page => page?,
        };
        let (objects, last) = page.up_to_last();
        compare(engine, objects, policy, &mut drift).await?;
        match last {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    let mut last = String::new();
    loop {
        let rows = missing::rows_after(engine, &last, policy).await?;
        let Some(end) = rows.last().cloned() else {
            return Ok(drift);
        };
        drift.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        for clerk_id in missing::unknown_to_clerk::<U>(api, &rows, policy).await? {
            drift.extra.push(I::from_key(&clerk_id));
        }
        last = end;
    }
}

async fn compare<U: SyncedRow, I: ImportedId>(
    engine: &Engine<U>,
    page: &[LenientValue],
    policy: RetryPolicy,
    drift: &mut Drift<I>,
) -> Result<(), ImportError> {
    let page = Page::new::<U>(page);
    let (observations, unreadable) = page.observations::<U>();
    for (clerk_id, reason) in unreadable.not_imported {
        drift.in_clerk += 1;
        let id = I::from_key(&clerk_id);
        drift.reasons.extend(drift.unreadable.skip(id, &reason));
    }
    let row_states = policy
        .retry_db::<U, _, _>(|| row_state::row_states(engine, &observations))
        .await?;
    for (observation, state) in observations.iter().zip(row_states) {
        drift.in_clerk += 1;
        let id = I::from_key(observation.clerk_id());
        match state {
            RowState::Missing => drift.missing.push(id),
            RowState::Stale | RowState::Different => drift.stale.push(id),
            RowState::Deleted => {
                let skipped = drift.deleted.skip(id, &NotImported::Deleted);
                drift.reasons.extend(skipped);
            }
            RowState::Unreadable => {
                let skipped = drift.unreadable.skip(id, &NotImported::UnreadableRow);
                drift.reasons.extend(skipped);
            }
            RowState::VersionBehind | RowState::Current => {}
        }
    }
    Ok(())
}

impl<I: ImportedId> Drift<I> {
    /// Returns whether every object that the struct can hold has a correct row, and no other rows exist. Also true if
    /// the instance has no organizations, because nothing was compared.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.missing, &self.stale, &self.extra, &self.deleted];
        lists.iter().all(|list| list.count == 0)
    }
}

impl<I: ImportedId> Default for Drift<I> {
    fn default() -> Self {
        Self {
            in_clerk: 0,
            rows: 0,
            missing: IdList::default(),
            stale: IdList::default(),
            extra: IdList::default(),
            deleted: IdList::default(),
            unreadable: IdList::default(),
            reasons: Vec::new(),
            organizations_disabled: false,
        }
    }
}

impl<I: ImportedId> Default for IdList<I> {
    fn default() -> Self {
        Self {
            count: 0,
            ids: Vec::new(),
        }
    }
}

impl<I: ImportedId> IdList<I> {
    /// The maximum number of ids that are listed.
    pub const MAX_LISTED: usize = 10_000;

    fn push(&mut self, id: I) {
        self.count += 1;
        if self.ids.len() < Self::MAX_LISTED {
            self.ids.push(id);
        }
    }

    /// Adds an id that an import skips. Returns the reason, if the id is listed.
    fn skip(&mut self, id: I, reason: &NotImported) -> Option<(I, String)> {
        let reason = (self.ids.len() < Self::MAX_LISTED).then(|| (id.clone(), reason.to_string()));
        self.push(id);
        reason
    }
}

impl<I: ImportedId> fmt::Display for Drift<I> {
    /// Writes a line of counts, and one line per listed id.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.organizations_disabled {
            return formatter.write_str("organizations are switched off at Clerk, and nothing was compared");
        }
        let lists = [
            ("missing", &self.missing),
            ("stale", &self.stale),
            ("extra", &self.extra),
            ("deleted", &self.deleted),
            ("unreadable", &self.unreadable),
        ];
        write!(formatter, "{} {}, {} rows:", self.in_clerk, I::NOUN, self.rows)?;
        for (place, (name, list)) in lists.into_iter().enumerate() {
            let separator = if place == 0 { " " } else { ", " };
            write!(formatter, "{separator}{} {name}", list.count)?;
        }
        let reasons: HashMap<String, &str> = self
            .reasons
            .iter()
            .map(|(id, reason)| (id.to_string(), &**reason))
            .collect();
        for (name, list) in lists {
            for id in &list.ids {
                let id = id.to_string();
                write!(formatter, "\n{name} {id}")?;
                if let Some(reason) = reasons.get(&id) {
                    write!(formatter, ": {reason}")?;
                }
            }
            let named = u64::try_from(list.ids.len()).unwrap_or(u64::MAX);
            if list.count > named {
                write!(formatter, "\n{name} and {} more", list.count - named)?;
            }
        }
        Ok(())
    }
}
