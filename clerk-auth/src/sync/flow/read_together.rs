//! Reads the user of a request together with the organization and the membership that the handler takes after the user.

use std::future::ready;
use std::sync::Arc;

use axum::http::Extensions;

use super::member::{Engines, Lacking, kept, rows};
use super::request::by_value;
use crate::row::{SyncedMembership, SyncedRow};
use crate::session::Session;
use crate::sync::engine::Engine;
use crate::sync::model::observation::clerk_id;
use crate::sync::model::outcome::Synced;
use crate::sync::store::hooks::StoreFuture;
use crate::sync::store::joined::JoinedStore;

/// The handles on the rows of members, except those of users.
pub(crate) struct Members<M: SyncedMembership> {
    pub(crate) organizations: Arc<Engine<M::Organization>>,
    pub(crate) memberships: Arc<Engine<M>>,
    pub(crate) joined: Arc<dyn JoinedStore<M>>,
}

impl<M: SyncedMembership> Members<M> {
    pub(crate) fn engines<'a>(&'a self, users: &'a Arc<Engine<M::User>>) -> Engines<'a, M> {
        Engines {
            users,
            organizations: &self.organizations,
            memberships: &self.memberships,
            joined: &*self.joined,
        }
    }
}

/// Reads rows of users together with those of their organizations and memberships.
pub(crate) trait ReadsMembers<U>: Send + Sync {
    /// Returns whether more than one row may have to be read. Does not allocate.
    fn saves_a_read(&self, users: &Engine<U>, session: &Session) -> bool;

    /// Returns the user's row, and stores the others in the extensions as [`ReadTogether`]. Returns `None` if no
    /// organization is active, or if reading together saves nothing.
    fn read<'a>(
        &'a self,
        users: &'a Arc<Engine<U>>,
        session: &'a Session,
        others: &'a mut Extensions,
    ) -> StoreFuture<'a, Option<Synced<Arc<U>>>, Lacking>;
}

/// A row that was read for the request together with the user's.
pub(crate) struct ReadTogether<R> {
    by: Arc<Engine<R>>,
    session: Session,
    row: Synced<Arc<R>>,
}

impl<R> Clone for ReadTogether<R> {
    fn clone(&self) -> Self {
        Self {
            by: Arc::clone(&self.by),
            session: self.session.clone(),
            row: self.row.clone(),
        }
    }
}

impl<R: SyncedRow> ReadTogether<R> {
    /// Takes a session's row that an engine has read for this request.
    fn take(engine: &Arc<Engine<R>>, session: &Session, others: &mut Extensions) -> Option<Synced<Arc<R>>> {
        let read = others.remove::<Self>()?;
        let is_meant = Arc::ptr_eq(&read.by, engine) && read.session.ptr_eq(session);
        is_meant.then_some(read.row)
    }
}

/// Returns the session's row by value: the row that was read together with the user's, or else the result of `find`.
pub(crate) async fn take_or<R: SyncedRow>(
    engine: &Arc<Engine<R>>,
    session: &Session,
    others: &mut Extensions,
    find: impl Future<Output = Result<Option<Synced<Arc<R>>>, Lacking>>,
) -> Result<Option<R>, Lacking> {
    let together = ReadTogether::take(engine, session, others);
    // `find` checks the deny list in the same way.
    let together = together.filter(|_| !engine.clerk.has_left_since(session, engine.clerk.now()));
    let found = match together {
        Some(found) => Some(found),
        None => find.await?,
    };
    let Some(found) = found else {
        return Ok(None);
    };
    let row = by_value(engine, session, found.user).await;
    row.map(Some).map_err(Lacking::new::<R>)
}

impl<M: SyncedMembership> ReadsMembers<M::User> for Members<M> {
    fn saves_a_read(&self, users: &Engine<M::User>, session: &Session) -> bool {
        clerk_id::<M::Organization>(session).is_some_and(|organization_id| {
            let user = kept(users, session, session.sub());
            user.is_none() || kept(&self.organizations, session, &organization_id).is_none()
        })
    }

    fn read<'a>(
        &'a self,
        users: &'a Arc<Engine<M::User>>,
        session: &'a Session,
        others: &'a mut Extensions,
    ) -> StoreFuture<'a, Option<Synced<Arc<M::User>>>, Lacking> {
        let engines = self.engines(users);
        let Some(organization_id) = clerk_id::<M::Organization>(session) else {
            return Box::pin(ready(Ok(None)));
        };
        Box::pin(async move {
            let Some(key) = clerk_id::<M>(session) else {
                return Ok(None);
            };
            let clerk = &users.clerk;
            if clerk.has_left_since(session, clerk.now()) {
                return Ok(None);
            }
            let keys = [session.sub(), &*organization_id, &*key];
            let Some(rows) = rows(&engines, session, keys).await? else {
                return Ok(None);
            };
            others.insert(ReadTogether {
                by: Arc::clone(&self.organizations),
                session: session.clone(),
                row: rows.organization,
            });
            others.insert(ReadTogether {
                by: Arc::clone(&self.memberships),
                session: session.clone(),
                row: rows.membership,
            });
            Ok(Some(rows.user))
        })
    }
}
