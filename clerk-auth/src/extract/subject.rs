//! The users that a handler can take, from a verified session to a fresh row.

use std::any::type_name;
use std::future::ready;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::organization::not_active;
use super::provides::Provides;
use super::rejection::Rejection;
use crate::clerk::{Authentication, AuthenticationError, Clerk};
use crate::policy::{self, NoRequirement, Policy};
use crate::row::{Derived, SyncedMembership, SyncedUser};
use crate::session::Session;
use crate::sync::{Member, MembershipSync, Panicked, Synced, UserSync, caught_now};

/// A type that may be the first parameter of a handler under `#[authenticated]`.
///
/// | parameter | what the handler gets | cost |
/// |---|---|---|
/// | `User` | the row | one read unless it was read a moment ago, a write if a claim changed |
/// | `Arc<User>` | the row, shared | the same, without a clone |
/// | `Synced<User>` | the row and what sync did | the same |
/// | `MaybeSynced<User>` | the row, or the session while the database is down | the same |
/// | `Member<Membership>` | the rows of user, organization and membership; 403 without an organization | one read of all three, a transaction if some are new |
/// | `Session` | the claims | no database |
/// | `Option<_>` | one of these, or `None` for a visitor; a bad token is still refused | as above |
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// # use clerk_auth::SyncedUser;
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # struct User { clerk_id: String, first_name: Option<String> }
/// use std::sync::Arc;
///
/// use clerk_auth::authenticated;
///
/// #[authenticated]
/// async fn profile(user: Arc<User>) -> String {
///     format!("signed in as {}", user.clerk_id)
/// }
///
/// #[authenticated]
/// async fn home(user: Option<User>) -> String {
///     let name = user.and_then(|user| user.first_name);
///     format!("Hello, {}!", name.as_deref().unwrap_or("visitor"))
/// }
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signed-in user",
    label = "not a struct with `#[derive(SyncedUser)]`",
    note = "the first parameter is a `SyncedUser` struct, `Arc<_>`, `Option<_>`, `Synced<_>` or `MaybeSynced<_>` of one, `Member<_>`, or `Session`; before an organization or an extractor of your own, put `_: Session`"
)]
pub trait Subject: Sized {
    /// Does nothing; calling it is the assertion that generated code makes under the parameter's type.
    #[doc(hidden)]
    fn check() {}
}

/// A [`Subject`] that can be taken from the state `S`.
///
/// Generated code calls it. A handler that names its state meets this trait: a missing field is then reported at the
/// handler's parameter instead of at the route.
///
/// ```
/// use clerk_auth::{Clerk, Session, authenticated};
///
/// #[derive(Clone, axum::extract::FromRef)]
/// struct AppState {
///     clerk: Clerk,
/// }
///
/// #[authenticated(state = AppState)] // `Session: SubjectFrom<AppState>`
/// async fn whoami(session: Session) -> String {
///     session.user_id().to_string()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{S}` does not provide what `{Self}` takes",
    label = "`Session` takes a `Clerk` from the state, a user takes a `Clerk` and a `UserSync<_>`",
    note = "add fields of these types to `{S}` and `#[derive(Clone, axum::extract::FromRef)]`"
)]
pub trait SubjectFrom<S>: Subject + Send {
    /// Does nothing; calling it is the assertion that generated code makes under the parameter's type.
    #[doc(hidden)]
    fn check(_: PhantomData<Self>) {}

    /// Fetches the subject after the policy has decided; the session is `None` for a visitor whom the policy admits.
    ///
    /// # Errors
    ///
    /// The [`Rejection`] to answer with.
    fn resolve(session: Option<Session>, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send;

    /// Fetches the subject of a parameter that is an `Option`: `None` if the session has none.
    ///
    /// # Errors
    ///
    /// The [`Rejection`] to answer with.
    #[doc(hidden)]
    fn resolve_optional(
        session: Session,
        state: &S,
    ) -> impl Future<Output = Result<Option<Self>, Rejection>> + Send
    where
        S: Sync,
    {
        async move { Self::resolve(Some(session), state).await.map(Some) }
    }
}

/// The row, or the verified session while the database is unavailable: for handlers that also work without the row.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// use clerk_auth::extract::MaybeSynced;
/// use clerk_auth::{SyncedUser, authenticated};
///
/// #[derive(Clone, SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// pub struct User {
///     pub clerk_id: String,
///     pub first_name: Option<String>,
/// }
///
/// #[authenticated]
/// async fn greet(user: MaybeSynced<User>) -> String {
///     let name = match user {
///         MaybeSynced::Synced(synced) => synced.user.first_name,
///         MaybeSynced::Unavailable(_) => None,
///     };
///     format!("Hello, {}!", name.as_deref().unwrap_or("friend"))
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub enum MaybeSynced<U> {
    /// The row, and what sync did.
    Synced(Synced<U>),
    /// The database is slow, unreachable or read-only; the session still identifies the user.
    Unavailable(Session),
}

impl Subject for () {}
impl Subject for Session {}
#[diagnostic::do_not_recommend]
impl<U: Derived> Subject for U {}
impl<U: Derived> Subject for Arc<U> {}
impl<U: Derived> Subject for Synced<U> {}
impl<U: Derived> Subject for MaybeSynced<U> {}
impl<M: SyncedMembership> Subject for Member<M> {}
impl<T: Subject> Subject for Option<T> {}

/// A [`Subject`] that is present whenever the handler runs: each one but an `Option`, which admits visitors.
///
/// Guarded routes and the arguments of `#[authenticated]` require this trait. No other crate can implement it: an
/// implementation for a type that admits visitors would open every route that names the type.
///
/// ```compile_fail,E0277
/// use clerk_auth::{Session, authenticated};
///
/// type Visitor = Option<Session>;
///
/// #[authenticated(role = "org:admin")] // `Option<Session>` admits visitors, and a visitor meets no requirement
/// async fn remove(_who: Visitor) {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` admits visitors, and a visitor meets no requirement",
    label = "the arguments of `#[authenticated]` require a signed-in user",
    note = "take the user without `Option`, or remove the requirement"
)]
pub trait SignedInUser {
    /// Cannot be written elsewhere, where the type has no name.
    #[doc(hidden)]
    const SEALED: Sealed;

    /// Does nothing; calling it is the assertion that generated code makes under the parameter's type.
    #[doc(hidden)]
    fn check(_: PhantomData<Self>) {}
}

/// Keeps [`SignedInUser`] to this file.
#[derive(Debug)]
pub struct Sealed;

#[diagnostic::do_not_recommend]
impl SignedInUser for () {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl SignedInUser for Session {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl SignedInUser for Anybody {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl<U: Derived> SignedInUser for U {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl<U: Derived> SignedInUser for Arc<U> {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl<U: Derived> SignedInUser for Synced<U> {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl<U: Derived> SignedInUser for MaybeSynced<U> {
    const SEALED: Sealed = Sealed;
}
#[diagnostic::do_not_recommend]
impl<M: SyncedMembership> SignedInUser for Member<M> {
    const SEALED: Sealed = Sealed;
}

impl<S: Provides<Clerk> + Sync> SubjectFrom<S> for Session {
    async fn resolve(session: Option<Session>, _: &S) -> Result<Self, Rejection> {
        session.ok_or(Rejection::SignedOut)
    }
}

impl<S: Provides<Clerk> + Sync> SubjectFrom<S> for () {
    async fn resolve(session: Option<Session>, _: &S) -> Result<Self, Rejection> {
        session.map(drop).ok_or(Rejection::SignedOut)
    }
}

impl<S, U> SubjectFrom<S> for Synced<U>
where
    S: Provides<Clerk> + Provides<UserSync<U>> + Sync,
    U: SyncedUser,
{
    async fn resolve(session: Option<Session>, state: &S) -> Result<Self, Rejection> {
        let session = session.ok_or(Rejection::SignedOut)?;
        let users: UserSync<U> = state.provide();
        users
            .sync(&session)
            .await
            .map_err(Rejection::from_sync::<U>)
    }
}

impl<S, U> SubjectFrom<S> for U
where
    S: Provides<Clerk> + Provides<UserSync<U>> + Sync,
    U: SyncedUser,
{
    async fn resolve(session: Option<Session>, state: &S) -> Result<Self, Rejection> {
        Ok(Synced::resolve(session, state).await?.user)
    }
}

impl<S, U> SubjectFrom<S> for Arc<U>
where
    S: Provides<Clerk> + Provides<UserSync<U>> + Sync,
    U: SyncedUser,
{
    async fn resolve(session: Option<Session>, state: &S) -> Result<Self, Rejection> {
        let session = session.ok_or(Rejection::SignedOut)?;
        let users: UserSync<U> = state.provide();
        let synced = users.sync_shared(&session).await;
        synced
            .map(|synced| synced.user)
            .map_err(Rejection::from_sync::<U>)
    }
}

impl<S, U> SubjectFrom<S> for MaybeSynced<U>
where
    S: Provides<Clerk> + Provides<UserSync<U>> + Sync,
    U: SyncedUser,
{
    async fn resolve(session: Option<Session>, state: &S) -> Result<Self, Rejection> {
        let session = session.ok_or(Rejection::SignedOut)?;
        match Synced::resolve(Some(session.clone()), state).await {
            Ok(synced) => Ok(Self::Synced(synced)),
            Err(
                Rejection::DatabaseUnavailable { .. }
                | Rejection::DatabaseBusy { .. }
                | Rejection::DatabaseReadOnly { .. },
            ) => Ok(Self::Unavailable(session)),
            Err(rejection) => Err(rejection),
        }
    }
}

impl<S, M> SubjectFrom<S> for Member<M>
where
    S: Provides<Clerk> + Provides<MembershipSync<M>> + Sync,
    M: SyncedMembership,
{
    async fn resolve(session: Option<Session>, state: &S) -> Result<Self, Rejection> {
        let session = session.ok_or(Rejection::SignedOut)?;
        let memberships: MembershipSync<M> = state.provide();
        let member = memberships.find_member(&session).await?;
        member.ok_or_else(|| not_active(&session))
    }

    async fn resolve_optional(session: Session, state: &S) -> Result<Option<Self>, Rejection> {
        let memberships: MembershipSync<M> = state.provide();
        Ok(memberships.find_member(&session).await?)
    }
}

impl<S, T> SubjectFrom<S> for Option<T>
where
    S: Provides<Clerk> + Sync,
    T: SubjectFrom<S>,
{
    async fn resolve(session: Option<Session>, state: &S) -> Result<Self, Rejection> {
        match session {
            Some(session) => T::resolve_optional(session, state).await,
            None => Ok(None),
        }
    }
}

/// A subject that every state provides and that never resolves. Generated code checks this type instead of a parameter
/// that has been reported.
#[derive(Debug)]
pub struct Anybody;

#[diagnostic::do_not_recommend]
impl Subject for Anybody {}

#[diagnostic::do_not_recommend]
impl<S> SubjectFrom<S> for Anybody {
    fn resolve(_: Option<Session>, _: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        ready(Err(Rejection::Misconfigured))
    }
}

impl<S: Provides<Clerk> + Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = admit::<NoRequirement>(parts, &state.provide()).await?;
        Self::resolve(session, state).await
    }
}

/// Authenticates the request and lets the policy decide, before anything is fetched. No other function does this, so no
/// parameter type can bypass the policy. Returns `None` for a visitor if the policy requires nothing.
pub(crate) async fn admit<P: Policy>(parts: &mut Parts, clerk: &Clerk) -> Result<Option<Session>, Rejection> {
    match authenticate(parts, clerk).await {
        Ok(session) => {
            decide::<P>(&session, clerk)?;
            if let Some(verified) = parts.extensions.get_mut::<VerifiedSession>() {
                verified.is_admitted = true;
            }
            Ok(Some(session))
        }
        Err(Rejection::SignedOut) if P::REQUIREMENT.admits_visitors() => Ok(None),
        Err(rejection) => Err(rejection),
    }
}

/// Lets the policy decide. A panic of the application's policy denies access, and costs this request alone.
fn decide<P: Policy>(session: &Session, clerk: &Clerk) -> Result<(), Rejection> {
    match caught_now(|| policy::decide::<P>(session, clerk.denies_agents())) {
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

/// The session that was verified earlier in this request, and the handle that verified it: another handle may trust
/// other parties. Private, so that only [`authenticate`] can store one.
#[derive(Clone)]
struct VerifiedSession {
    by: Clerk,
    session: Session,
    came_by_cookie: bool,
    /// A policy has granted access in this request.
    is_admitted: bool,
}

/// Returns the session of a request for a parameter after the user. The policy of the user has decided already, and may have
/// admitted an agent; without a user before it, the parameter admits like one. Returns `None` for a visitor.
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
