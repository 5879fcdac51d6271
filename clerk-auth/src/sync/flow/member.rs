//! A member's request: gets the rows of user, organization and membership from memory or with one statement. Inserts
//! new ones in one transaction.

use std::sync::Arc;

use super::reconcile::{BeforeRead, EarlierRead, reconcile_from, serve_written};
use super::request::{admit, matches, of_this_session, record, record_failure};
use crate::row::{RowKind, SyncedMembership, SyncedRow};
use crate::session::Session;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::failure::Failure;
use crate::sync::local::row_cache::WriteTicket;
use crate::sync::local::write_locks::WriteGuard;
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::Synced;
use crate::sync::model::row::{StoredRow, Upserted};
use crate::sync::store::joined::{Found, Inserted, JoinedStore, Missing, OfMember};
use crate::sync::store::sqlstate::{self, ErrorKind};
use crate::sync::unwind::caught;

/// The engines of a member's rows, and their common store.
pub(crate) struct Engines<'a, M: SyncedMembership> {
    pub(crate) users: &'a Arc<Engine<M::User>>,
    pub(crate) organizations: &'a Arc<Engine<M::Organization>>,
    pub(crate) memberships: &'a Arc<Engine<M>>,
    pub(crate) joined: &'a dyn JoinedStore<M>,
}

/// The rows of a member.
pub(crate) type Rows<M> = OfMember<
    Synced<Arc<<M as SyncedMembership>::User>>,
    Synced<Arc<<M as SyncedMembership>::Organization>>,
    Synced<Arc<M>>,
>;

/// The row that a request lacks, with the reason.
#[derive(Debug)]
pub(crate) struct Lacking {
    pub(crate) kind: RowKind,
    pub(crate) failure: Failure,
    pub(crate) error: SyncError,
}

impl Lacking {
    pub(crate) fn new<U: SyncedRow>(error: SyncError) -> Self {
        let error = error.of::<U>();
        Self {
            kind: U::KIND,
            failure: error.failure::<U>(),
            error,
        }
    }
}

impl From<Lacking> for SyncError {
    fn from(lacking: Lacking) -> Self {
        lacking.error
    }
}

/// The keys of the rows: of the user, the organization, the membership.
pub(crate) type Keys<'a> = [&'a str; 3];

/// Returns the rows of a session's member; `None` if the caller must read each row separately.
pub(crate) async fn rows<M: SyncedMembership>(
    engines: &Engines<'_, M>,
    session: &Session,
    keys: Keys<'_>,
) -> Result<Option<Rows<M>>, Lacking> {
    let now = engines.users.clerk.now();
    let admitted = admit(engines.users, session, keys[0], now).await;
    logged(engines.users, keys[0], admitted)?;
    if let Some(rows) = engines.of_this_session(session, keys) {
        return Ok(Some(rows));
    }
    // In a separate allocation, which a warm request does not make.
    match Box::pin(caught(engines.read(session, keys))).await {
        Ok(rows) => rows,
        Err(panicked) => logged(engines.memberships, keys[2], Err(panicked.into())),
    }
}

/// Logs and counts an error.
fn logged<U: SyncedRow, T>(engine: &Engine<U>, key: &str, done: Result<T, SyncError>) -> Result<T, Lacking> {
    done.map_err(|error| lacking(engine, key, error))
}

fn lacking<U: SyncedRow>(engine: &Engine<U>, key: &str, error: SyncError) -> Lacking {
    record_failure(engine, key, &error);
    Lacking::new::<U>(error)
}

impl<M: SyncedMembership> Engines<'_, M> {
    /// Returns the rows if all of them are in memory, and were compared with the claims of this session.
    fn of_this_session(&self, session: &Session, keys: Keys<'_>) -> Option<Rows<M>> {
        let user = kept(self.users, session, keys[0])?;
        let organization = kept(self.organizations, session, keys[1])?;
        let membership = kept(self.memberships, session, keys[2])?;
        let (user, organization, membership) = (Ok(user), Ok(organization), Ok(membership));
        record(self.users, keys[0], &user);
        record(self.organizations, keys[1], &organization);
        record(self.memberships, keys[2], &membership);
        Some(OfMember {
            user: user.ok()?,
            organization: organization.ok()?,
            membership: membership.ok()?,
        })
    }

    async fn read(&self, session: &Session, keys: Keys<'_>) -> Result<Option<Rows<M>>, Lacking> {
        let user = Observation::<M::User>::from_session(session, keys[0]);
        let organization = Observation::<M::Organization>::from_session(session, keys[1]);
        let membership = Observation::<M>::from_session(session, keys[2]);
        let (Ok(user), Ok(organization), Ok(membership)) = (user, organization, membership) else {
            return Ok(None);
        };
        let in_memory = [
            is_in_memory(self.users, &user),
            is_in_memory(self.organizations, &organization),
            is_in_memory(self.memberships, &membership),
        ];
        // At most one row has to be read, which needs no joined statement.
        if in_memory.iter().filter(|is_kept| **is_kept).count() > 1 {
            return Ok(None);
        }
        let before = OfMember {
            user: BeforeRead::new(self.users, keys[0]),
            organization: BeforeRead::new(self.organizations, keys[1]),
            membership: BeforeRead::new(self.memberships, keys[2]),
        };
        let found = {
            // Under load, requests share the statements of each kind instead.
            let Some(_permit) = self.memberships.reads.permit(keys[2]) else {
                return Ok(None);
            };
            let find = async { Ok(self.joined.find(keys).await?) };
            self.memberships.ask(|_| find).await
        };
        let Found::<M> {
            user: stored_user,
            organization: stored_organization,
            membership: stored_membership,
        } = match found {
            Err(SyncError::Database(error)) if sqlstate::kind(&error) == ErrorKind::UnreadableRow => {
                return Ok(None);
            }
            found => logged(self.memberships, keys[2], found)?,
        };
        let inserted = if stored_membership.is_none()
            && (stored_user.is_none() || stored_organization.is_none())
            && !is_deleted(stored_user.as_ref())
            && !is_deleted(stored_organization.as_ref())
        {
            let missing = OfMember {
                user: stored_user.is_none().then_some(&user),
                organization: stored_organization.is_none().then_some(&organization),
                membership: &membership,
            };
            let Some(inserted) = self.insert(session, &missing, &before).await? else {
                return Ok(None);
            };
            inserted
        } else {
            OfMember {
                user: None,
                organization: None,
                membership: None,
            }
        };
        let read = EarlierRead::new(stored_user, before.user);
        let user = inserted_or_reconciled(self.users, inserted.user, &user, session, read).await?;
        let read = EarlierRead::new(stored_organization, before.organization);
        let engine = self.organizations;
        let organization =
            inserted_or_reconciled(engine, inserted.organization, &organization, session, read).await?;
        let membership = match inserted.membership {
            Some(membership) => membership,
            None => {
                let read = EarlierRead::new(stored_membership, before.membership);
                match reconciled(self.memberships, &membership, session, read).await {
                    // The user or the organization was removed after the read.
                    Err(error) if error.is_of_a_missing_reference() => return Ok(None),
                    synced => done(self.memberships, keys[2], synced)?,
                }
            }
        };
        Ok(Some(OfMember {
            user,
            organization,
            membership,
        }))
    }

    /// Inserts a membership in one transaction, with its user and organization if they are missing. Returns `None` if
    /// the caller must write each row separately.
    async fn insert(
        &self,
        session: &Session,
        missing: &Missing<'_, M>,
        before: &BeforeReads,
    ) -> Result<Option<NewRows<M>>, Lacking> {
        let Missing::<M> {
            user,
            organization,
            membership,
        } = *missing;
        let Some(_guards) = self.lock(missing, before) else {
            return Ok(None);
        };
        let now = self.users.clerk.now();
        let of_user = user.map(|user| self.users.row_cache.begin_write(user.clerk_id(), now));
        let of_organization =
            organization.map(|it| self.organizations.row_cache.begin_write(it.clerk_id(), now));
        let of_membership = self.memberships.row_cache.begin_write(membership.clerk_id(), now);
        let mut kind = RowKind::Membership;
        let insert = async {
            let inserted = self.joined.insert(missing).await;
            inserted.map_err(|failed| {
                kind = failed.kind;
                SyncError::from(failed.error)
            })
        };
        let inserted: Inserted<M> = match self.memberships.ask(|_| insert).await {
            Ok(inserted) => inserted,
            Err(error) if is_final(error.failure::<M>()) => return Err(self.lacking(kind, membership, error)),
            Err(error) => {
                tracing::debug!(
                    table = M::TABLE,
                    user_id = session.sub(),
                    %error,
                    "the rows of a new member are written one by one"
                );
                return Ok(None);
            }
        };
        Ok(Some(OfMember {
            user: served(self.users, user, session, inserted.user, of_user).await?,
            organization: served(
                self.organizations,
                organization,
                session,
                inserted.organization,
                of_organization,
            )
            .await?,
            membership: served(
                self.memberships,
                Some(membership),
                session,
                Some(inserted.membership),
                Some(of_membership),
            )
            .await?,
        }))
    }

    /// Logs and counts the failure of a transaction at one of its rows.
    fn lacking(&self, kind: RowKind, membership: &Observation<'_, M>, error: SyncError) -> Lacking {
        let key = membership.clerk_id();
        let (user_id, organization_id) = key.split_once(':').unwrap_or((key, key));
        match kind {
            RowKind::User => lacking(self.users, user_id, error),
            RowKind::Organization => lacking(self.organizations, organization_id, error),
            RowKind::Membership => lacking(self.memberships, key, error),
        }
    }

    /// Locks the missing rows against other writers in this process. Returns `None` if another task writes one of them,
    /// or has done so since the read.
    fn lock<'a>(&'a self, missing: &Missing<'_, M>, before: &BeforeReads) -> Option<Vec<WriteGuard<'a>>> {
        let user = missing.user.map(|it| lock(self.users, it, before.user));
        let organization = missing
            .organization
            .map(|it| lock(self.organizations, it, before.organization));
        let membership = lock(self.memberships, missing.membership, before.membership);
        [user, organization, Some(membership)]
            .into_iter()
            .flatten()
            .collect()
    }
}

type BeforeReads = OfMember<BeforeRead, BeforeRead, BeforeRead>;

/// The rows that were inserted.
type NewRows<M> = OfMember<
    Option<Synced<Arc<<M as SyncedMembership>::User>>>,
    Option<Synced<Arc<<M as SyncedMembership>::Organization>>>,
    Option<Synced<Arc<M>>>,
>;

/// Returns the row in memory, if it was compared with the claims of this session.
pub(super) fn kept<U: SyncedRow>(engine: &Engine<U>, session: &Session, key: &str) -> Option<Synced<Arc<U>>> {
    let kept = engine.row_cache.get(key, engine.clerk.now())?;
    of_this_session(Some(&kept), session)
}

fn is_in_memory<U: SyncedRow>(engine: &Engine<U>, observation: &Observation<'_, U>) -> bool {
    let kept = engine.row_cache.get(observation.clerk_id(), engine.clerk.now());
    kept.is_some_and(|kept| matches(engine, observation, &kept.stored))
}

/// Returns whether writing the rows one by one would fail as well: the database does not answer, or a hook of the
/// application has failed.
fn is_final(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::Outage
            | Failure::Timeout
            | Failure::NotAsked
            | Failure::Busy
            | Failure::ReadOnly
            | Failure::OnInsert
            | Failure::OnLink
    )
}

fn is_deleted<U>(stored: Option<&StoredRow<U>>) -> bool {
    stored.is_some_and(|stored| stored.deleted)
}

fn lock<'a, U: SyncedRow>(
    engine: &'a Engine<U>,
    observation: &Observation<'_, U>,
    before: BeforeRead,
) -> Option<WriteGuard<'a>> {
    let key = observation.clerk_id();
    // The database refused the data of this row recently.
    if engine.refusals.contains(key) {
        return None;
    }
    engine.write_locks.try_lock(key, before.generation)
}

async fn reconciled<U: SyncedRow>(
    engine: &Arc<Engine<U>>,
    observation: &Observation<'_, U>,
    session: &Session,
    read: EarlierRead<U>,
) -> Result<Synced<Arc<U>>, SyncError> {
    let reconcile = |counted| reconcile_from(engine, observation, Some(session), counted, Some(read));
    engine.ask(reconcile).await
}

/// Returns the inserted row, or reconciles the row that was read.
async fn inserted_or_reconciled<U: SyncedRow>(
    engine: &Arc<Engine<U>>,
    inserted: Option<Synced<Arc<U>>>,
    observation: &Observation<'_, U>,
    session: &Session,
    read: EarlierRead<U>,
) -> Result<Synced<Arc<U>>, Lacking> {
    match inserted {
        Some(inserted) => Ok(inserted),
        None => {
            let synced = reconciled(engine, observation, session, read).await;
            done(engine, observation.clerk_id(), synced)
        }
    }
}

/// Serves a row of the transaction; `None` if the row was not missing.
async fn served<U: SyncedRow>(
    engine: &Engine<U>,
    missing: Option<&Observation<'_, U>>,
    session: &Session,
    written: Option<Upserted<U>>,
    ticket: Option<WriteTicket<'_>>,
) -> Result<Option<Synced<Arc<U>>>, Lacking> {
    let (Some(observation), Some(written), Some(ticket)) = (missing, written, ticket) else {
        return Ok(None);
    };
    let served = serve_written(engine, observation, Some(session), written, ticket).await;
    done(engine, observation.clerk_id(), served).map(Some)
}

fn done<U: SyncedRow>(
    engine: &Engine<U>,
    key: &str,
    synced: Result<Synced<Arc<U>>, SyncError>,
) -> Result<Synced<Arc<U>>, Lacking> {
    record(engine, key, &synced);
    synced.map_err(Lacking::new::<U>)
}
