//! Admits a request: authenticates it once, and applies the policy over the session before anything is fetched.

use std::any::type_name;

use axum::http::request::Parts;

use super::rejection::Rejection;
use crate::clerk::{Authentication, AuthenticationError, Clerk};
use crate::policy::{self, Denied, NoRequirement, Policy};
use crate::session::Session;
use crate::sync::{Panicked, caught_now};

/// Authenticates the request and applies the policy, before anything is fetched. All parameter types go through this
/// function, so none can bypass the policy. Returns `None` for a visitor if the policy requires nothing.
pub(crate) async fn admit<P: Policy>(parts: &mut Parts, clerk: &Clerk) -> Result<Option<Session>, Rejection> {
    match authenticate(parts, clerk).await {
        Ok(session) => {
            decide::<P>(&session, || policy::decide::<P>(&session, clerk.denies_agents()))?;
            if let Some(verified) = parts.extensions.get_mut::<VerifiedSession>() {
                verified.is_admitted = true;
            }
            Ok(Some(session))
        }
        Err(Rejection::SignedOut) if P::REQUIREMENT.admits_visitors() => Ok(None),
        Err(rejection) => Err(rejection),
    }
}

/// Applies the policy. A panic in the application's policy denies access, and affects only this request.
pub(super) fn decide<P>(
    session: &Session,
    decide: impl FnOnce() -> Result<(), Denied>,
) -> Result<(), Rejection> {
    match caught_now(decide) {
        Ok(decision) => decision.map_err(Rejection::Denied),
        Err(Panicked) => {
            tracing::error!(
                user_id = session.sub(),
                policy = type_name::<P>(),
                "the application's policy panicked; the request is answered with 500"
            );
            Err(Rejection::ServiceFailed)
        }
    }
}

/// The session that was verified earlier in this request, with the handle that verified it, because another handle may
/// trust other parties. Private, so that only [`authenticate`] can store a session.
#[derive(Clone)]
struct VerifiedSession {
    by: Clerk,
    session: Session,
    came_by_cookie: bool,
    /// A policy has granted access in this request.
    is_admitted: bool,
}

/// Returns the session for a parameter after the user. The user's policy has already decided, and may have admitted an
/// agent. Without a user before it, the parameter admits the request like a user. Returns `None` for a visitor.
pub(crate) async fn admitted(parts: &mut Parts, clerk: &Clerk) -> Result<Option<Session>, Rejection> {
    let is_admitted = |verified: &VerifiedSession| verified.is_admitted && verified.by.ptr_eq(clerk);
    match parts.extensions.get::<VerifiedSession>() {
        Some(verified) if is_admitted(verified) => authenticate(parts, clerk).await.map(Some),
        _ => admit::<NoRequirement>(parts, clerk).await,
    }
}

async fn authenticate(parts: &mut Parts, clerk: &Clerk) -> Result<Session, Rejection> {
    if let Some(verified) = parts.extensions.get::<VerifiedSession>()
        && verified.by.ptr_eq(clerk)
    {
        // The method may have been overridden since.
        if verified.came_by_cookie {
            clerk.check_site(parts).map_err(rejection)?;
        }
        return Ok(verified.session.clone());
    }
    let Authentication {
        session,
        came_by_cookie,
    } = clerk.authenticate_parts(parts).await.map_err(rejection)?;
    // Does nothing unless the application's span has declared the field.
    tracing::Span::current().record("user_id", session.sub());
    parts.extensions.insert(VerifiedSession {
        by: clerk.clone(),
        session: session.clone(),
        came_by_cookie,
        is_admitted: false,
    });
    Ok(session)
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped, not looked at")]
fn rejection(error: AuthenticationError) -> Rejection {
    match error {
        AuthenticationError::SignedOut => Rejection::SignedOut,
        AuthenticationError::Refused(refusal) => Rejection::Refused(refusal),
        AuthenticationError::CrossSiteRequest => Rejection::CrossSiteRequest,
        AuthenticationError::DenialsUnavailable { retry_after } => {
            Rejection::DenialsUnavailable { retry_after }
        }
        AuthenticationError::KeysUnavailable { retry_after } => Rejection::KeysUnavailable { retry_after },
    }
}
