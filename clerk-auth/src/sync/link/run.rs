//! Reads all of Clerk's users, pairs them with rows, and writes the pairs on request.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::candidate::Candidate;
use super::error::LinkError;
use super::pairing::{Pair, Pairing};
use super::report::{LinkReport, NotLinked};
use crate::backend_api::{BackendApi, BackendApiError, MAX_IDS, MAX_PAGE_SIZE};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::row::SyncedUser;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::failure::{Failure, Step};
use crate::sync::handle::UserSync;
use crate::sync::local::change_log::{self, Source};
use crate::sync::model::linking::{LinkBy, MatchedRows};
use crate::sync::model::observation::ClerkObject;
use crate::sync::model::outcome::SyncOutcome;
use crate::sync::offline::error::ImportError;
use crate::sync::offline::instance;
use crate::sync::offline::pages::{page_after, up_to_last_id};
use crate::sync::offline::retry::{RETRY_FOR, RetryPolicy, at_most};
use crate::sync::store::error::WriteError;
use crate::sync::store::unlinked_rows::LinkingStatements;

/// Links existing rows to Clerk's users; created by [`UserSync::link`].
///
/// A row can be linked if its Clerk user id is null or a placeholder: any text that does not begin with `user_`. A row
/// with the id of another user is never linked again, and a user who has a row never gets a second one.
///
/// **Writes nothing by default**: [`run`](Self::run) returns a report. [`write_rows`](Self::write_rows) and
/// [`set_external_ids`](Self::set_external_ids) request the changes. Every link is one atomic statement that repeats
/// all conditions. So linking is safe while users sign in, and while a second run is active. After a crash, another run
/// links the remaining rows.
///
/// By e-mail, only a verified primary address counts, and only if exactly one row and one user have it. The database
/// compares, by the type and the collation of its column. Immediately before the change, the user is read once more.
/// Requests never link by e-mail: anyone who obtains an address, or an account with an unverified one, would get the
/// row. An operator, in contrast, reads the report first.
///
/// A linked row keeps its values, and its version becomes 0, so that the user's next request, webhook or import updates
/// it. [`on_link`](crate::sync::UserSyncBuilder::on_link) runs in the transaction of each link.
///
/// The pairs and the rows without a user are held in memory, about 200 bytes each.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use clerk_auth::backend_api::BackendApi;
/// use clerk_auth::sync::{LinkBy, LinkError};
/// use clerk_auth::{SyncedUser, UserSync};
///
/// async fn link<U: SyncedUser>(users: &UserSync<U>, api: &BackendApi) -> Result<(), LinkError> {
///     println!("{}", users.link(api).run().await?); // a dry run
///     let report = users.link(api).by(LinkBy::Email).write_rows().run().await?;
///     println!("{} rows linked, {} ambiguous", report.linked, report.ambiguous.count);
///     Ok(())
/// }
/// # }
/// ```
#[must_use = "nothing happens until it runs"]
pub struct Linking<U: SyncedUser> {
    engine: Arc<Engine<U>>,
    api: BackendApi,
    by: LinkBy,
    writes_rows: bool,
    sets_external_ids: bool,
    policy: RetryPolicy,
    statements: Option<LinkingStatements>,
    position: Position,
    pairing: Pairing,
    pairs: Vec<Pair>,
    report: LinkReport,
}

/// The progress of [`Linking`].
///
/// ```
/// use clerk_auth::sync::LinkProgress;
///
/// fn line(progress: &LinkProgress) -> String {
///     match progress.pairs {
///         None => format!("{} users read", progress.users),
///         Some(pairs) => format!("{} of {pairs} pairs written", progress.written),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LinkProgress {
    /// The number of Clerk's users that were read.
    pub users: u64,
    /// The number of pairs; `None` until all users were read.
    pub pairs: Option<u64>,
    /// The number of pairs that were written, or could not be.
    pub written: u64,
}

/// The next step.
#[derive(Clone, Debug)]
enum Position {
    Start,
    /// Read the users after this one.
    Users(Option<UserId>),
    Rows,
    /// Write the pairs from this one.
    Pairs(usize),
    End,
}

impl<U: SyncedUser> UserSync<U> {
    /// Links existing rows to Clerk's users, offline. Returns a report, and writes only on request. Before the first
    /// user, verifies that `api` has the secret key of the instance whose users the table holds.
    pub fn link(&self, api: &BackendApi) -> Linking<U> {
        api.warn_unless_at(self.engine.clerk.api_url());
        Linking {
            engine: Arc::clone(&self.engine),
            api: api.clone(),
            by: LinkBy::default(),
            writes_rows: false,
            sets_external_ids: false,
            policy: RetryPolicy(RETRY_FOR),
            statements: None,
            position: Position::Start,
            pairing: Pairing::default(),
            pairs: Vec::new(),
            report: LinkReport::default(),
        }
    }
}

impl<U: SyncedUser> Linking<U> {
    /// Sets the value by which users and rows are compared; [`LinkBy::Email`] by default.
    pub fn by(mut self, by: LinkBy) -> Self {
        self.by = by;
        self
    }

    /// Writes the Clerk user id of each pair into its row.
    pub fn write_rows(mut self) -> Self {
        self.writes_rows = true;
        self
    }

    /// Sets the `external_id` of each pair's user at Clerk to the primary key of the row, instead of or before writing
    /// the row. An existing `external_id` is never replaced. With `link(…)` on the struct, the user's next request then
    /// links the row.
    pub fn set_external_ids(mut self) -> Self {
        self.sets_external_ids = true;
        self
    }

    /// Sets how long to retry while Clerk or the database fails; a minute by default. Waiting for Clerk's rate limit does
    /// not count.
    pub fn retry_for(mut self, limit: Duration) -> Self {
        self.policy = RetryPolicy(limit);
        self
    }

    /// Performs the next step, for a progress bar; returns `None` at the end. Cancel-safe: if the future is dropped, the
    /// next call repeats the step.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if linking cannot begin or continue. Linking ends then, and the report covers the steps before.
    pub async fn next(&mut self) -> Option<Result<LinkProgress, LinkError>> {
        if matches!(self.position, Position::End) {
            return None;
        }
        let step = self.step().await;
        if step.is_err() {
            self.position = Position::End;
        }
        let written = match self.position {
            Position::Pairs(from) => from,
            Position::End => self.pairs.len(),
            _ => 0,
        };
        let has_pairs = matches!(self.position, Position::Pairs(_) | Position::End);
        Some(step.map(|()| LinkProgress {
            users: self.report.users,
            pairs: has_pairs.then_some(self.report.pairs.count),
            written: u64::try_from(written).unwrap_or(u64::MAX),
        }))
    }

    /// Returns the report of the steps so far.
    pub fn report(&self) -> &LinkReport {
        &self.report
    }

    /// Performs all steps and returns the report.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if linking cannot begin or continue.
    pub async fn run(mut self) -> Result<LinkReport, LinkError> {
        while let Some(progress) = self.next().await {
            progress?;
        }
        Ok(self.report)
    }

    async fn step(&mut self) -> Result<(), LinkError> {
        self.position = match self.position.clone() {
            Position::Start => {
                self.start().await?;
                Position::Users(None)
            }
            Position::Users(after) => match self.read_page(after.as_ref()).await? {
                Some(last) => Position::Users(Some(last)),
                None => Position::Rows,
            },
            Position::Rows => {
                let (engine, statements) = (&self.engine, self.statements()?);
                let rows = self
                    .policy
                    .retry_db::<U, _, _>(|| {
                        at_most(async { Ok(engine.store.unlinked_rows(statements).await?) })
                    })
                    .await
                    .map_err(ImportError::from)?;
                let pairing = std::mem::take(&mut self.pairing);
                self.pairs = pairing.finish(&rows, &mut self.report);
                let writes = self.writes_rows || self.sets_external_ids;
                if writes && !self.pairs.is_empty() {
                    Position::Pairs(0)
                } else {
                    Position::End
                }
            }
            Position::Pairs(from) => {
                let to = (from + MAX_IDS).min(self.pairs.len());
                self.write_pairs(from, to).await?;
                if to < self.pairs.len() {
                    Position::Pairs(to)
                } else {
                    Position::End
                }
            }
            Position::End => Position::End,
        };
        Ok(())
    }

    fn statements(&self) -> Result<&LinkingStatements, LinkError> {
        self.statements.as_ref().ok_or(LinkError::NoColumn {
            user: U::NAME,
            shortcode: self.by.shortcode(),
        })
    }

    async fn start(&mut self) -> Result<(), LinkError> {
        let (engine, by) = (&self.engine, self.by);
        let statements = self
            .policy
            .retry_db::<U, _, _>(|| at_most(async { Ok(engine.store.linking_statements(by).await?) }))
            .await;
        self.statements = statements.map_err(ImportError::from)?;
        self.report.by = by;
        if !self.statements()?.has_local_key && self.sets_external_ids {
            return Err(LinkError::NoLocalKey { user: U::NAME });
        }
        instance::check_instance(&self.engine, &self.api, self.policy).await?;
        Ok(())
    }

    /// Pairs the users of a page. Returns the last user, or `None` after the last page.
    async fn read_page(&mut self, after: Option<&UserId>) -> Result<Option<UserId>, LinkError> {
        let page = page_after(&self.api, after, MAX_PAGE_SIZE, self.policy).await;
        let page = page.map_err(ImportError::from)?;
        let (users, last) = up_to_last_id(&page);
        let candidates: BTreeMap<&str, Candidate> = users
            .iter()
            .filter_map(|user| {
                let user_id = ClerkObject::id(user.node())?;
                Some((user_id, Candidate::new(user_id, user, self.by)))
            })
            .collect();
        let statements = self.statements()?;
        let user_ids: Vec<&str> = candidates.keys().copied().collect();
        let values: Vec<&str> = candidates.values().filter_map(|it| it.value.as_deref()).collect();
        let store = &self.engine.store;
        let read = self.policy.retry_db::<U, _, _>(|| {
            at_most(async {
                let known = store.known_users(&user_ids).await?;
                Ok((known, store.matched_rows(statements, &values).await?))
            })
        });
        let (known, matched) = read.await.map_err(ImportError::from)?;
        let known: HashMap<String, bool> = known.into_iter().collect();
        let matched: HashMap<&str, &MatchedRows> = matched
            .iter()
            .filter_map(|rows| Some((*values.get(rows.place.checked_sub(1)?)?, rows)))
            .collect();
        for (user_id, candidate) in &candidates {
            self.report.users += 1;
            match known.get(*user_id) {
                Some(false) => self.report.with_row += 1,
                deleted => {
                    let rows = candidate.value.as_deref().and_then(|value| matched.get(value));
                    let is_deleted = deleted.is_some();
                    self.pairing
                        .add(candidate.clone(), is_deleted, rows.copied(), &mut self.report);
                }
            }
        }
        Ok(last.map(UserId::new))
    }

    /// Reads each pair's user once more, and writes the pair.
    async fn write_pairs(&mut self, from: usize, to: usize) -> Result<(), LinkError> {
        let user_ids: Vec<UserId> = self.pairs[from..to]
            .iter()
            .map(|pair| pair.candidate.user_id.clone())
            .collect();
        let users = self.policy.retry_api(|| self.api.users_by_id(&user_ids)).await;
        let users = users.map_err(ImportError::from)?;
        let current: HashMap<&str, &LenientValue> = users
            .iter()
            .filter_map(|user| Some((ClerkObject::id(user.node())?, user)))
            .collect();
        for place in from..to {
            let pair = self.pairs[place].clone();
            let user = current.get(pair.candidate.user_id.as_str());
            let written = self.write_pair(&pair, user.copied()).await;
            if let Err(reason) = written? {
                let entry = pair.entry().because(reason);
                tracing::warn!(users_table = U::TABLE, user_id = %pair.candidate.user_id, %reason, "a row was not linked");
                self.report.not_linked.push(entry);
            }
            // Advance per pair, so that a repeated step begins with the next pair.
            self.position = Position::Pairs(place + 1);
        }
        Ok(())
    }

    async fn write_pair(
        &mut self,
        pair: &Pair,
        user: Option<&LenientValue>,
    ) -> Result<Result<(), NotLinked>, LinkError> {
        let user_id = &pair.candidate.user_id;
        let now = user.map(|user| Candidate::new(user_id.as_str(), user, self.by));
        let Some(now) = now.filter(|now| now.is_verified && now.value == pair.candidate.value) else {
            return Ok(Err(NotLinked::Changed));
        };
        if self.sets_external_ids
            && let Some(row) = &pair.row
        {
            match &now.external_id {
                Some(external_id) if external_id == row => {}
                Some(_) => return Ok(Err(NotLinked::OtherExternalId)),
                None => match self
                    .policy
                    .retry_api(|| self.api.set_external_id(user_id, row))
                    .await
                {
                    Ok(()) => self.report.external_ids += 1,
                    Err(BackendApiError::Status { status: 404, .. }) => return Ok(Err(NotLinked::Changed)),
                    Err(BackendApiError::Status {
                        status: 400 | 409 | 422,
                        ..
                    }) => {
                        return Ok(Err(NotLinked::ExternalIdRefused));
                    }
                    Err(error) => return Err(ImportError::from(error).into()),
                },
            }
        }
        if !self.writes_rows {
            return Ok(Ok(()));
        }
        let (engine, statements) = (&self.engine, self.statements()?);
        let value = now.value.as_deref().unwrap_or_default();
        let claimed = self
            .policy
            .retry_db::<U, _, _>(|| at_most(claim(engine, statements, value, user_id.as_str())))
            .await;
        match claimed {
            Ok(true) => {
                self.report.linked += 1;
                change_log::synced::<U>(user_id.as_str(), SyncOutcome::Linked, Source::Link);
                Ok(Ok(()))
            }
            Ok(false) => Ok(Err(NotLinked::Changed)),
            Err(error) => match error.failure::<U>() {
                Failure::OnLink => Ok(Err(NotLinked::OnLink)),
                failure if failure.step() == Step::Skip => Ok(Err(NotLinked::Refused)),
                _ => Err(ImportError::from(error).into()),
            },
        }
    }
}

async fn claim<U: SyncedUser>(
    engine: &Engine<U>,
    statements: &LinkingStatements,
    value: &str,
    clerk_id: &str,
) -> Result<bool, SyncError> {
    // Earlier copies of the user's row are invalid after any outcome.
    let _writing = engine.row_cache.begin_write(clerk_id, engine.clerk.now());
    match engine.store.claim_row(statements, value, clerk_id).await {
        // The user signed in at the same time, and has a row.
        Err(WriteError::UniqueViolation(_)) => Ok(false),
        claimed => Ok(claimed?),
    }
}

impl<U: SyncedUser> fmt::Debug for Linking<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Linking")
            .field("user", &U::NAME)
            .field("by", &self.by)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
