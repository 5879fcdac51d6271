//! Imports all of Clerk's users into the table, page by page: each is fetched while the previous one is written.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::page::PageReport;
use super::progress::{ImportCounts, ImportCursor, ImportPart, ImportProgress};
use super::{missing, page};
use crate::backend_api::{BackendApi, BackendApiError, MAX_PAGE_SIZE};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::metrics;
use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::flow::delete;
use crate::sync::handle::UserSync;
use crate::sync::local::change_log::{self, Source};
use crate::sync::offline::error::ImportError;
use crate::sync::offline::instance;
use crate::sync::offline::pages::{page_after, up_to_last_id};
use crate::sync::offline::retry::{RETRY_FOR, RetryPolicy};
use crate::sync::unwind::caught_now;

/// Updates the rows of all of Clerk's users; created by [`UserSync::import`].
///
/// Lazy: does nothing until [`next`](Self::next) is called. Users are read in pages through the Backend API and written
/// in pages, through the same template and by the same rules as in a request:
///
/// - newer data wins, and a deleted user stays deleted;
/// - columns of the application are left alone;
/// - `on_insert` runs once for each new row;
/// - a user whose row is correct costs no write.
///
/// Two pages are held in memory, however many users there are.
///
/// A million users of a fake Backend API went into PostgreSQL 15 on the same two cores with 55,000 rows per second, in
/// 29 MB of memory. With all rows already correct, the rate was 85,000. In the same run, `COPY` of the rows did
/// 340,000; one upsert for each row did 5,000, or 10,000 with ten at once (`cargo bench --profile release
/// -p clerk-auth-tests --bench import_cost`). Clerk itself is slower: it allows a production instance 1,000 requests in ten seconds.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use clerk_auth::backend_api::BackendApi;
/// use clerk_auth::sync::ImportError;
/// use clerk_auth::{SyncedUser, UserSync};
///
/// async fn import<U: SyncedUser>(users: &UserSync<U>, api: &BackendApi) -> Result<(), ImportError> {
///     let all = api.user_count().await?;
///     let mut import = users.import(api);
///     while let Some(progress) = import.next().await {
///         let progress = progress?;
///         println!("{} of {all}: {}", progress.counts.total(), progress.counts);
///         // Keep `progress.cursor`: `users.import(api).resume_from(cursor)` goes on there after a crash.
///         for (user_id, reason) in progress.not_imported {
///             println!("{user_id}: {reason}");
///         }
///     }
///     Ok(())
/// }
/// # }
/// ```
///
/// `futures::stream::unfold(import, async |mut import| Some((import.next().await?, import)))` makes a stream of the steps.
#[must_use = "nothing happens until it is asked for its next step"]
pub struct Import<U: SyncedRow> {
    engine: Arc<Engine<U>>,
    api: BackendApi,
    dry_run: bool,
    delete_missing: bool,
    page_size: usize,
    policy: RetryPolicy,
    counts: ImportCounts,
    cursor: Option<ImportCursor>,
    is_checked: bool,
    /// True if there are no more users.
    has_all_users: bool,
    has_ended: bool,
    fetching: Option<Fetch>,
    page: Option<Vec<LenientValue>>,
}

/// A page that is being fetched; the fetch is aborted with the import.
struct Fetch(JoinHandle<Result<Vec<LenientValue>, BackendApiError>>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<U: SyncedRow> UserSync<U> {
    /// Updates the rows of all of Clerk's users, including users who make no request. Before the first page, verifies
    /// that `api` has the secret key of the instance whose users the table holds.
    pub fn import(&self, api: &BackendApi) -> Import<U> {
        api.warn_unless_at(self.engine.clerk.api_url());
        Import {
            engine: Arc::clone(&self.engine),
            api: api.clone(),
            dry_run: false,
            delete_missing: false,
            page_size: MAX_PAGE_SIZE,
            policy: RetryPolicy(RETRY_FOR),
            counts: ImportCounts::default(),
            cursor: None,
            is_checked: false,
            has_all_users: false,
            has_ended: false,
            fetching: None,
            page: None,
        }
    }
}

impl<U: SyncedRow> Import<U> {
    /// Resumes an earlier import, from the cursor of its last step. If Clerk has since deleted that user, it rejects
    /// the cursor. Starting from an earlier cursor, or from none, only costs reads.
    pub fn resume_from(mut self, cursor: ImportCursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Counts the changes that an import would make, and writes nothing. Conflicts over unique values appear only when
    /// writing.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Also goes through the table afterwards, and marks the rows of users who no longer exist at Clerk as deleted.
    /// Each of them is looked up by id first: a user is deleted only if Clerk itself confirms it.
    pub fn delete_missing(mut self) -> Self {
        self.delete_missing = true;
        self
    }

    /// Sets the number of users per page. The default, and the maximum, is [`MAX_PAGE_SIZE`]. Smaller pages need less
    /// memory and more time.
    pub fn page_size(mut self, users: usize) -> Self {
        self.page_size = users.clamp(1, MAX_PAGE_SIZE);
        self
    }

    /// Sets how long to retry while Clerk or the database fails; a minute by default. Waiting for Clerk's rate limit
    /// does not count.
    pub fn retry_for(mut self, limit: Duration) -> Self {
        self.policy = RetryPolicy(limit);
        self
    }

    /// Performs the next step and returns the progress; returns `None` at the end. Cancel-safe: if the future is
    /// dropped, the next call repeats the step.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if the import cannot continue; the import ends then. Resume another one from the last cursor.
    pub async fn next(&mut self) -> Option<Result<ImportProgress, ImportError>> {
        if self.has_ended {
            return None;
        }
        let step = self.step().await;
        self.has_ended = !matches!(step, Ok(Some(_)));
        match step {
            Ok(None) => None,
            Ok(Some(report)) => {
                self.counts.add(report.counts);
                for (outcome, count) in report.counts.by_outcome() {
                    if !self.dry_run {
                        metrics::users_imported(U::NAME, U::TABLE, outcome, count);
                    }
                }
                if let Some((user_id, reason)) = report.not_imported.first() {
                    // The reason may be an error of the application, whose `Display` may panic.
                    let reason = caught_now(|| reason.to_string());
                    tracing::warn!(
                        users_table = U::TABLE,
                        count = report.not_imported.len(),
                        first = %user_id,
                        reason = reason.unwrap_or_default(),
                        "users were not imported"
                    );
                }
                Some(Ok(ImportProgress {
                    counts: self.counts,
                    cursor: self.cursor.clone(),
                    not_imported: report.not_imported,
                }))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Performs all steps and returns the counts.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if the import cannot continue.
    pub async fn run(mut self) -> Result<ImportCounts, ImportError> {
        while let Some(progress) = self.next().await {
            progress?;
        }
        Ok(self.counts)
    }

    async fn step(&mut self) -> Result<Option<PageReport>, ImportError> {
        if !self.is_checked {
            instance::check_instance(&self.engine, &self.api, self.policy).await?;
            self.is_checked = true;
        }
        let part = self
            .cursor
            .as_ref()
            .map_or(ImportPart::Users, |cursor| cursor.part);
        if part == ImportPart::Users
            && let Some(report) = self.import_page().await?
        {
            return Ok(Some(report));
        }
        if self.delete_missing {
            return self.delete_page().await;
        }
        Ok(None)
    }

    /// `None` if there are no more users.
    async fn import_page(&mut self) -> Result<Option<PageReport>, ImportError> {
        if self.has_all_users {
            return Ok(None);
        }
        if self.page.is_none() {
            let after = self.cursor.as_ref().map(|cursor| cursor.user_id.clone());
            let fetching = match &mut self.fetching {
                Some(fetching) => fetching,
                none => none.insert(fetch(&self.api, after, self.page_size, self.policy)),
            };
            let page = (&mut fetching.0).await;
            self.fetching = None;
            // The task is aborted only with the import, and it does not panic; a runtime that shuts down may end it.
            self.page = Some(page.unwrap_or(Err(BackendApiError::Interrupted))?);
        }
        let Some(page) = &self.page else {
            return Ok(None);
        };
        if page.is_empty() {
            self.page = None;
            return Ok(None);
        }
        let (users, last) = up_to_last_id(page);
        let last = last.map(UserId::new);
        if let (Some(last), None) = (&last, &self.fetching) {
            self.fetching = Some(fetch(&self.api, Some(last.clone()), self.page_size, self.policy));
        }
        let report = self
            .policy
            .retry_db::<U, _, _>(|| page::import_page(&self.engine, users, self.dry_run))
            .await?;
        self.page = None;
        match last {
            Some(user_id) => {
                self.cursor = Some(ImportCursor {
                    part: ImportPart::Users,
                    user_id,
                });
            }
            // There is no user after whom another page could begin.
            None => self.has_all_users = true,
        }
        Ok(Some(report))
    }

    /// `None` if there are no more rows.
    async fn delete_page(&mut self) -> Result<Option<PageReport>, ImportError> {
        let after = match &self.cursor {
            Some(cursor) if cursor.part == ImportPart::Rows => cursor.user_id.as_str(),
            _ => "",
        };
        let rows = missing::rows_after(&self.engine, after, self.policy).await?;
        let Some(last) = rows.last().cloned() else {
            return Ok(None);
        };
        let unknown = missing::unknown_to_clerk(&self.api, &rows, self.policy).await?;
        let mut report = PageReport::default();
        for user_id in &unknown {
            if !self.dry_run {
                let deletion = self
                    .policy
                    .retry_db::<U, _, _>(|| delete::delete(&self.engine, user_id.as_str()))
                    .await?;
                change_log::deleted::<U>(user_id.as_str(), deletion, Source::Import);
            }
            report.counts.deleted += 1;
        }
        self.cursor = Some(ImportCursor {
            part: ImportPart::Rows,
            user_id: last,
        });
        Ok(Some(report))
    }
}

/// Fetches in a separate task while the previous page is written.
fn fetch(api: &BackendApi, after: Option<UserId>, page_size: usize, policy: RetryPolicy) -> Fetch {
    let api = api.clone();
    Fetch(tokio::spawn(async move {
        page_after(&api, after.as_ref(), page_size, policy).await
    }))
}

impl<U: SyncedRow> fmt::Debug for Import<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Import")
            .field("user", &U::NAME)
            .field("counts", &self.counts)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
