//! Applies deliveries from Clerk: first the denial, then the row, in one transaction with the application's hook.

use std::time::Duration;

use serde_json::Value;
use tracing::Instrument;

use super::reconcile;
use crate::claim::ClaimProblem;
use crate::deny_list::{Denial, Effect, Subject};
use crate::id::{OrganizationId, UserId};
use crate::lenient::Node;
use crate::metrics;
use crate::row::{RowKind, SyncedRow};
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::change_log::{self, Source};
use crate::sync::local::read_batches::CountsAsFailure;
use crate::sync::model::logged_row::{LoggedRow, log_row};
use crate::sync::model::observation::{ClerkObject, Observation};
use crate::sync::model::outcome::{Applied, Change};
use crate::sync::store::error::WriteError;
use crate::sync::unwind::caught;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::webhook::{Event, Webhook};

/// The timeout of a delivery, including the application's hook. Svix waits for 15 seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Applies a delivery whose signature was verified. Awaits `is_reference_removed` only if a referenced row is missing.
pub(crate) async fn apply<U: SyncedRow>(
    engine: &Engine<U>,
    delivery: &Webhook,
    is_reference_removed: impl Future<Output = Result<bool, SyncError>>,
) -> Result<(), SyncError> {
    let now = engine.clerk.now();
    if U::KIND != RowKind::User && !concerns::<U>(delivery) {
        return Ok(());
    }
    let denial = match U::KIND {
        RowKind::User => engine.barring.of_delivery(delivery, now),
        RowKind::Organization | RowKind::Membership => None,
    };
    // Before and independently of the rest: the database may be down, and the user's claims may fit no row.
    if let Some(denial) = &denial
        && denial.denies()
    {
        engine.clerk.deny(denial.clone());
    }
    let received = async {
        if engine.breaker.is_open() {
            return Err(SyncError::Unavailable);
        }
        let applied = async {
            match engine.bar_and_apply(delivery, denial.as_ref(), now).await {
                // A retry of the delivery cannot restore a removed row.
                Err(error) if error.is_of_a_missing_reference() && is_reference_removed.await? => {
                    Ok(Applied::UserDeleted)
                }
                applied => applied,
            }
        };
        tokio::time::timeout(TIMEOUT, applied)
            .await
            .unwrap_or(Err(SyncError::Timeout(TIMEOUT)))
    };
    let row = LoggedRow::new::<U>(subject::<U>(delivery));
    let span = tracing::debug_span!(
        "clerk_webhook",
        users_table = row.users_table,
        user_id = row.user_id,
        organizations_table = row.organizations_table,
        memberships_table = row.memberships_table,
        organization_id = row.organization_id,
        delivery = delivery.id.as_str()
    );
    let received = caught(received)
        .instrument(span)
        .await
        .unwrap_or_else(|panicked| Err(panicked.into()));
    let outcome = match &received {
        Ok(applied) => {
            change_log::applied::<U>(subject::<U>(delivery), *applied, Source::Webhook);
            applied.as_str()
        }
        Err(error) => {
            engine
                .failure_log
                .failure::<U>(subject::<U>(delivery), error, engine.clerk.now());
            error.failure::<U>().outcome()
        }
    };
    metrics::webhook_applied(U::NAME, U::TABLE, outcome);
    received.map(drop)
}

impl<U: SyncedRow> Engine<U> {
    async fn bar_and_apply(
        &self,
        delivery: &Webhook,
        denial: Option<&Denial>,
        now: Timestamp,
    ) -> Result<Applied, SyncError> {
        let Some(denial) = denial else {
            return self.apply(delivery, now).await;
        };
        if denial.denies() {
            self.bar(denial, now).await?;
            return self.apply(delivery, now).await;
        }
        let applied = self.apply(delivery, now).await;
        // A user is admitted even if the application's hook fails. If no row records the user's last change, the
        // admission is recorded, because an older ban may be delivered later.
        let has_row = !matches!(applied, Ok(Applied::Refused | Applied::Nothing));
        self.admit(denial, has_row, now).await?;
        applied
    }

    /// Writes a denial to the table that every process reads, unless the user's row is newer, that is, the ban has been
    /// lifted.
    ///
    /// The row is read again afterwards. If a ban and its lifting run concurrently, the lifting finds the ban in the
    /// table, or the ban finds the row of the lifting.
    async fn bar(&self, denial: &Denial, now: Timestamp) -> Result<(), SyncError> {
        if self.is_outdated(denial).await? {
            return Ok(());
        }
        self.store.record_denial(denial, now).await?;
        if self.is_outdated(denial).await? {
            tracing::debug!(
                users_table = U::TABLE,
                user_id = denial.subject.first_id(),
                "a ban is older than the row"
            );
        }
        Ok(())
    }

    /// Returns whether the row is newer than a denial, so that the denial no longer applies.
    async fn is_outdated(&self, denial: &Denial) -> Result<bool, SyncError> {
        let Subject::User(user_id) = &denial.subject else {
            return Ok(false);
        };
        if denial.effect == Effect::Bars(Refusal::UserDeleted) {
            return Ok(false);
        }
        let stored = self.store.read(user_id.as_str()).await?;
        let Some(stored) = stored.filter(|it| !it.deleted && it.version.as_millis() > denial.version) else {
            return Ok(false);
        };
        let lifted = Denial {
            effect: Effect::Admits,
            version: stored.version.as_millis(),
            ..denial.clone()
        };
        self.store.admit_denied(&lifted).await?;
        self.clerk.deny(lifted);
        Ok(true)
    }

    /// Lifts the denial of a user.
    async fn admit(&self, denial: &Denial, has_row: bool, now: Timestamp) -> Result<(), SyncError> {
        if has_row {
            self.store.admit_denied(denial).await?;
        } else {
            self.store.record_denial(denial, now).await?;
        }
        if !has_row || self.clerk.deny_list().knows(denial.subject.key()) {
            self.clerk.deny(denial.clone());
        }
        Ok(())
    }

    /// Applies a delivery to the row.
    async fn apply(&self, delivery: &Webhook, now: Timestamp) -> Result<Applied, SyncError> {
        self.followers.apply(delivery).await?;
        let ended = ends::<U>(&delivery.event);
        let object = object::<U>(&delivery.event).and_then(ClerkObject::new::<U>);
        // Clerk does not change `updated_at` of a membership that ends.
        let object = object.map(|object| match ended {
            true => object.not_before(delivery.timestamp),
            false => object,
        });
        let observation = match object.as_ref().map(ClerkObject::observe::<U>) {
            None => None,
            Some(Ok(observation)) => Some(observation),
            // The struct itself rejects such a user, so a row is impossible.
            Some(Err(claims)) if claims.all(&ClaimProblem::Null) => {
                tracing::debug!(table = U::TABLE, problem = %claims, "{} can have no row", U::KIND.phrase());
                None
            }
            Some(Err(claims)) => return self.acknowledge(delivery, &claims.into()).await,
        };
        let change = match (&observation, &delivery.event) {
            (Some(observation), _) if ended => Change::End(observation),
            (Some(observation), _) => Change::Write(observation),
            (None, event) => match deleted_id::<U>(event) {
                Some(Some(clerk_id)) => Change::Delete(clerk_id),
                Some(None) => {
                    tracing::warn!(
                        table = U::TABLE,
                        "{} was deleted, and the event has no id",
                        U::KIND.phrase()
                    );
                    Change::Nothing
                }
                None => Change::Nothing,
            },
        };
        let clerk_id = match &change {
            Change::Write(observation) | Change::End(observation) => Some(observation.clerk_id()),
            Change::Delete(clerk_id) => Some(*clerk_id),
            Change::Nothing | Change::Refuse => None,
        };
        // Earlier copies of the row are invalid after any outcome.
        let _writing = clerk_id.map(|clerk_id| self.row_cache.begin_write(clerk_id, now));
        let was_deleted = clerk_id.is_some_and(|clerk_id| match U::KIND {
            RowKind::User => self.clerk.denied_user(clerk_id, now) == Some(Refusal::UserDeleted),
            RowKind::Organization => self.clerk.deny_list().is_deleted_organization(clerk_id, now),
            RowKind::Membership => observation.as_ref().is_some_and(|observation| {
                let version = observation.version.as_millis();
                let ids = clerk_id.split_once(':');
                ids.is_some_and(|(user, organization)| {
                    let deny_list = self.clerk.deny_list();
                    deny_list.has_ended(user, organization, version, now)
                })
            }),
        });
        match change {
            Change::Write(_) if was_deleted => {
                self.store.apply(delivery, Change::Nothing).await?;
                Ok(Applied::UserDeleted)
            }
            change => match self.store.apply(delivery, change).await {
                Err(WriteError::UniqueViolation(_)) => {
                    let settled = match &observation {
                        Some(observation) => self.reconcile(observation).await,
                        None => Ok(Applied::Nothing),
                    };
                    match settled {
                        Err(error) if error.failure::<U>().is_acknowledged() => {
                            self.acknowledge(delivery, &error).await
                        }
                        settled => {
                            let settled = settled?;
                            self.store.apply(delivery, Change::Nothing).await?;
                            Ok(settled)
                        }
                    }
                }
                applied => match applied.map_err(SyncError::from) {
                    Err(error) if error.failure::<U>().is_acknowledged() => {
                        self.acknowledge(delivery, &error).await
                    }
                    applied => applied,
                },
            },
        }
    }

    /// Acknowledges a delivery whose claims no retry can fit. Does not record the delivery, so that a replay or an
    /// import applies it once the claims fit. A hook that runs once per delivery runs then.
    async fn acknowledge(&self, delivery: &Webhook, error: &SyncError) -> Result<Applied, SyncError> {
        self.failure_log
            .failure::<U>(subject::<U>(delivery), error, self.clerk.now());
        let row = LoggedRow::new::<U>(subject::<U>(delivery));
        log_row!(
            error,
            row,
            delivery = delivery.id.as_str(),
            reason = error.failure::<U>().outcome(),
            "{}'s claims fit no row: the delivery is acknowledged, and the row stays as it is; send the delivery again \
             from Clerk's dashboard, or import the user, once the claims fit",
            U::KIND.phrase()
        );
        Ok(self.store.apply(delivery, Change::Refuse).await?)
    }

    /// Resolves a unique violation on the application's own index, which takes more than one transaction.
    async fn reconcile(&self, observation: &Observation<'_, U>) -> Result<Applied, SyncError> {
        match reconcile::reconcile(self, observation, None, CountsAsFailure::default()).await {
            Ok(synced) => Ok(Applied::of_request(synced.outcome)),
            Err(SyncError::UserDeleted) => Ok(Applied::UserDeleted),
            Err(error) => Err(error),
        }
    }
}

/// Returns the object of an event that describes a row of `U`. A membership contains its whole organization.
fn object<U: SyncedRow>(event: &Event) -> Option<Node<'_>> {
    match (U::KIND, event) {
        (RowKind::User, Event::UserCreated(user) | Event::UserUpdated(user)) => Some(user.raw().node()),
        (
            RowKind::Organization,
            Event::OrganizationCreated(organization) | Event::OrganizationUpdated(organization),
        ) => Some(organization.raw().node()),
        (
            RowKind::Organization,
            Event::OrganizationMembershipCreated(membership)
            | Event::OrganizationMembershipUpdated(membership),
        ) => Some(membership.raw().node().get("organization")),
        (
            RowKind::Membership,
            Event::OrganizationMembershipCreated(membership)
            | Event::OrganizationMembershipUpdated(membership)
            | Event::OrganizationMembershipDeleted(membership),
        ) => Some(membership.raw().node()),
        _ => None,
    }
}

/// Returns whether an event ends the membership that it describes.
fn ends<U: SyncedRow>(event: &Event) -> bool {
    U::KIND == RowKind::Membership && matches!(event, Event::OrganizationMembershipDeleted(_))
}

/// Returns the id in a deletion event about rows of `U`; the event may lack the id.
fn deleted_id<U: SyncedRow>(event: &Event) -> Option<Option<&str>> {
    match (U::KIND, event) {
        (RowKind::User, Event::UserDeleted(deleted)) => Some(deleted.id.as_ref().map(UserId::as_str)),
        (RowKind::Organization, Event::OrganizationDeleted(deleted)) => {
            Some(deleted.id.as_ref().map(OrganizationId::as_str))
        }
        _ => None,
    }
}

/// Returns whether a delivery changes rows of `U`.
fn concerns<U: SyncedRow>(delivery: &Webhook) -> bool {
    object::<U>(&delivery.event).is_some() || deleted_id::<U>(&delivery.event).is_some()
}

/// Returns the id for log lines about a delivery: that of the row of `U`, if the delivery concerns one.
fn subject<U: SyncedRow>(delivery: &Webhook) -> &str {
    match &delivery.event {
        Event::OrganizationMembershipCreated(membership)
        | Event::OrganizationMembershipUpdated(membership)
        | Event::OrganizationMembershipDeleted(membership)
            if U::KIND == RowKind::Organization =>
        {
            let organization = membership.raw().node().get("organization");
            organization
                .get("id")
                .shallow()
                .ok()
                .and_then(Value::as_str)
                .unwrap_or_default()
        }
        Event::UserCreated(user) | Event::UserUpdated(user) => user.id.as_str(),
        Event::UserDeleted(deleted) => deleted.id.as_ref().map_or("", |id| id.as_str()),
        Event::OrganizationMembershipCreated(membership)
        | Event::OrganizationMembershipUpdated(membership)
        | Event::OrganizationMembershipDeleted(membership) => {
            membership.user_id.as_ref().map_or("", |id| id.as_str())
        }
        Event::OrganizationCreated(organization) | Event::OrganizationUpdated(organization) => {
            organization.id.as_str()
        }
        Event::OrganizationDeleted(deleted) => deleted.id.as_ref().map_or("", |id| id.as_str()),
        _ => "",
    }
}
