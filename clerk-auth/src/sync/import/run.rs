//! Imports all of Clerk's users, organizations or memberships into their table, and fetches each page while the
//! previous one is written.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::cursor::{ImportCursor, ImportPart};
use super::id::ImportedId;
use super::page::PageReport;
use super::progress::{ImportCounts, ImportProgress};
use super::{missing, page};
use crate::backend_api::{BackendApi, BackendApiError, MAX_PAGE_SIZE};
use crate::id::{OrganizationId, UserId};
use crate::metrics;
use crate::row::{RowKind, SyncedRow, SyncedUser};
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::flow::delete;
use crate::sync::followers::Followed;
use crate::sync::handle::UserSync;
use crate::sync::local::change_log::{self, Source};
use crate::sync::model::logged_row::{LoggedRow, log_row};
use crate::sync::model::outcome::Deletion;
use crate::sync::offline::error::ImportError;
use crate::sync::offline::instance;
use crate::sync::offline::pages::{ListPage, Position, list_after};
use crate::sync::offline::retry::{RETRY_FOR, RetryPolicy};
use crate::sync::unwind::caught_now;
use crate::time::Timestamp;

/// Updates the rows of all of Clerk's users, organizations or memberships; created by [`UserSync::import`],
/// [`OrganizationSync::import`](crate::OrganizationSync::import) and [`MembershipSync::import`](crate::MembershipSync::import).
///
/// Lazy: does nothing until [`next`](Self::next) is called. Users are read from the Backend API and written in pages,
/// with the same template and rules as in a request:
///
/// - newer data wins, a deleted user stays deleted, and only newer data restores an ended membership;
/// - columns of the application are not changed;
/// - `on_insert` runs once for each new row;
/// - a user whose row is correct costs no write.
///
/// Two pages are held in memory, for any number of users.
///
/// A membership references the rows of its user and organization, so import users and organizations first. A membership
/// without one of these rows is skipped and reported as [`NotImported::ReferenceMissing`](crate::sync::NotImported). If the instance
/// has no organizations, an import of organizations or memberships ends at once, without an error:
/// [`ImportCounts::organizations_disabled`] is true.
///
/// In a benchmark, an import wrote a million users of a fake Backend API into PostgreSQL 15 on the same two cores. The
/// rate was 55,000 rows per second, in 29 MB of memory. With all rows already correct, the rate was 85,000 rows. In the
/// same run, `COPY` of the rows reached 340,000, and one upsert per row 5,000, or 10,000 with ten at once
/// (`cargo bench --profile release -p clerk-auth-tests --bench import_cost`). Clerk itself is slower: it allows a
/// production instance 1,000 requests in ten seconds.
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
///         // Store `progress.cursor`: after a crash, `users.import(api).resume_from(cursor)` continues there.
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
#[must_use = "nothing happens until `next` is called"]
pub struct Import<U: SyncedRow, I: ImportedId = UserId> {
    engine: Arc<Engine<U>>,
    followed: Arc<dyn Followed>,
    api: BackendApi,
    dry_run: bool,
    delete_missing: bool,
    page_size: usize,
    policy: RetryPolicy,
    counts: ImportCounts,
    cursor: Option<ImportCursor>,
    stage: Stage,
    fetching: Option<Fetch>,
    page: Option<ListPage>,
    id: PhantomData<fn() -> I>,
}

/// The work of the next step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// To verify the instance and the cursor.
    Check,
    /// To import a page from Clerk.
    Pages,
    /// To delete rows that are unknown to Clerk, if requested.
    Rows,
    Ended,
}

/// A page that is being fetched; the fetch is aborted with the import.
struct Fetch(JoinHandle<Result<ListPage, BackendApiError>>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<U: SyncedUser> UserSync<U> {
    /// Updates the rows of all of Clerk's users, including users who make no request. Before the first page, verifies
    /// that `api` has the secret key of the instance whose users the table holds.
    pub fn import(&self, api: &BackendApi) -> Import<U> {
        Import::new(&self.engine, Arc::clone(&self.engine) as Arc<dyn Followed>, api)
    }
}

impl<U: SyncedRow, I: ImportedId> Import<U, I> {
    pub(super) fn new(engine: &Arc<Engine<U>>, followed: Arc<dyn Followed>, api: &BackendApi) -> Self {
        api.warn_unless_at(engine.clerk.api_url());
        Self {
            engine: Arc::clone(engine),
            followed,
            api: api.clone(),
            dry_run: false,
            delete_missing: false,
            page_size: MAX_PAGE_SIZE,
            policy: RetryPolicy(RETRY_FOR),
            counts: ImportCounts::default(),
            cursor: None,
            stage: Stage::Check,
            fetching: None,
            page: None,
            id: PhantomData,
        }
    }

    /// Resumes an earlier import, from the cursor of its last step. If Clerk has since deleted that user, it rejects
    /// the cursor; an import of organizations or memberships searches for the place instead. An earlier cursor, or
    /// none, only costs reads.
    pub fn resume_from(mut self, cursor: ImportCursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Counts the changes without writing them. Conflicts over unique values appear only when writing. A membership
    /// without a row is counted as inserted, even if its user or organization has no row yet.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Also reads the whole table afterwards, and marks rows as deleted whose user, organization or membership no
    /// longer exists at Clerk. Each is looked up first: a row is marked only if Clerk itself confirms the deletion.
    /// From then on, tokens of a deleted user are refused, and older tokens lose an organization whose membership has
    /// ended.
    pub fn delete_missing(mut self) -> Self {
        self.delete_missing = true;
        self
    }

    /// Sets the number of objects per page. The default, and the maximum, is [`MAX_PAGE_SIZE`]. Smaller pages need less
    /// memory and more time.
    pub fn page_size(mut self, objects: usize) -> Self {
        self.page_size = objects.clamp(1, MAX_PAGE_SIZE);
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
    pub async fn next(&mut self) -> Option<Result<ImportProgress<I>, ImportError>> {
        if self.stage == Stage::Ended {
            return None;
        }
        let step = self.step().await;
        if !matches!(step, Ok(Some(_))) {
            self.stage = Stage::Ended;
        }
        match step {
            Ok(None) => None,
            Ok(Some(report)) => {
                self.counts.add(report.counts);
                for (outcome, count) in report.counts.by_outcome() {
                    if !self.dry_run {
                        metrics::users_imported(U::NAME, U::TABLE, outcome, count);
                    }
                }
                if let Some((clerk_id, reason)) = report.not_imported.first() {
                    // The reason may contain an error of the application, whose `Display` may panic.
                    let reason = caught_now(|| reason.to_string());
                    let row = LoggedRow::new::<U>(clerk_id);
                    log_row!(
                        warn,
                        row,
                        count = report.not_imported.len(),
                        reason = reason.unwrap_or_default(),
                        "{} were not imported; the id is that of the first",
                        I::NOUN
                    );
                }
                let not_imported = report.not_imported.into_iter();
                Some(Ok(ImportProgress {
                    counts: self.counts,
                    cursor: self.cursor.clone(),
                    not_imported: not_imported
                        .map(|(clerk_id, reason)| (I::from_key(&clerk_id), reason))
                        .collect(),
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
        if self.stage == Stage::Check {
            instance::check_instance(&self.engine, &self.api, self.policy).await?;
            self.stage = self.first_stage()?;
        }
        if self.stage == Stage::Pages {
            match self.import_page().await {
                Ok(None) => self.stage = Stage::Rows,
                // Nothing is deleted, because the feature may be off by mistake.
                Err(ImportError::Clerk(BackendApiError::OrganizationsDisabled { status, code }))
                    if self.counts == ImportCounts::default() =>
                {
                    tracing::warn!(
                        status,
                        code,
                        "Clerk has no {}: organizations are switched off",
                        I::NOUN
                    );
                    self.stage = Stage::Ended;
                    let mut report = PageReport::default();
                    report.counts.organizations_disabled = true;
                    return Ok(Some(report));
                }
                report => return report,
            }
        }
        match self.delete_missing {
            true => self.delete_page().await,
            false => Ok(None),
        }
    }

    /// Returns the stage at which the cursor resumes.
    fn first_stage(&self) -> Result<Stage, ImportError> {
        match &self.cursor {
            Some(cursor) if cursor.kind != U::KIND => Err(ImportError::OtherCursor {
                cursor: cursor.to_string(),
                imported: I::NOUN,
            }),
            Some(cursor) if cursor.part == ImportPart::Rows => Ok(Stage::Rows),
            _ => Ok(Stage::Pages),
        }
    }

    /// `None` if there are no more pages.
    async fn import_page(&mut self) -> Result<Option<PageReport>, ImportError> {
        if self.page.is_none() {
            let after = self.cursor.as_ref().map(|cursor| cursor.position.clone());
            let fetching = match &mut self.fetching {
                Some(fetching) => fetching,
                none => none.insert(fetch(&self.api, U::KIND, after, self.page_size, self.policy)),
            };
            let page = (&mut fetching.0).await;
            self.fetching = None;
            // The task is aborted only with the import, and it does not panic; a runtime that shuts down may end it.
            self.page = Some(page.unwrap_or(Err(BackendApiError::Interrupted))?);
        }
        let Some(page) = &self.page else {
            return Ok(None);
        };
        if page.objects.is_empty() {
            self.page = None;
            return Ok(None);
        }
        let (objects, last) = page.up_to_last();
        if let (Some(last), None) = (&last, &self.fetching) {
            let after = Some(last.clone());
            self.fetching = Some(fetch(&self.api, U::KIND, after, self.page_size, self.policy));
        }
        let report = self
            .policy
            .retry_db::<U, _, _>(|| page::import_page(&self.engine, objects, self.dry_run))
            .await?;
        self.page = None;
        match last {
            Some(position) => self.reached(ImportPart::Clerk, position),
            // The page has no object after which the next one could begin.
            None => self.stage = Stage::Rows,
        }
        Ok(Some(report))
    }

    /// `None` if there are no more rows.
    async fn delete_page(&mut self) -> Result<Option<PageReport>, ImportError> {
        let after = match &self.cursor {
            Some(cursor) if cursor.part == ImportPart::Rows => cursor.position.id.as_str(),
            _ => "",
        };
        let rows = missing::rows_after(&self.engine, after, self.policy).await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let last = Position::at(last);
        // The time before the lookup: a member who returns later must not be ended.
        let asked_at = self.engine.clerk.now();
        let unknown = missing::unknown_to_clerk::<U>(&self.api, &rows, self.policy).await?;
        let mut report = PageReport::default();
        for clerk_id in &unknown {
            if !self.dry_run {
                let deletion = self
                    .policy
                    .retry_db::<U, _, _>(|| self.delete(clerk_id, asked_at))
                    .await?;
                change_log::deleted::<U>(clerk_id, deletion, Source::Import);
            }
            report.counts.deleted += 1;
        }
        self.reached(ImportPart::Rows, last);
        Ok(Some(report))
    }

    async fn delete(&self, clerk_id: &str, asked_at: Timestamp) -> Result<Deletion, SyncError> {
        let (engine, followed) = (&*self.engine, &*self.followed);
        match U::KIND {
            RowKind::User => delete::delete(engine, clerk_id).await,
            RowKind::Organization => {
                delete::delete_organization(engine, followed, &OrganizationId::new(clerk_id)).await
            }
            RowKind::Membership => delete::end_membership(engine, followed, clerk_id, asked_at).await,
        }
    }

    fn reached(&mut self, part: ImportPart, position: Position) {
        self.cursor = Some(ImportCursor {
            kind: U::KIND,
            part,
            position,
        });
    }
}

/// Fetches in a separate task while the previous page is written.
fn fetch(
    api: &BackendApi,
    kind: RowKind,
    after: Option<Position>,
    page_size: usize,
    policy: RetryPolicy,
) -> Fetch {
    let api = api.clone();
    Fetch(tokio::spawn(async move {
        list_after(&api, kind, after.as_ref(), page_size, policy).await
    }))
}

impl<U: SyncedRow, I: ImportedId> fmt::Debug for Import<U, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Import")
            .field("row", &U::NAME)
            .field("counts", &self.counts)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
