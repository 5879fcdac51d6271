//! The users that a handler can take, from a verified session to a fresh row.

use std::future::ready;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use super::active::not_active;
use super::admission::admit;
use super::provides::Provides;
use super::rejection::Rejection;
use crate::clerk::Clerk;
use crate::policy::NoRequirement;
use crate::row::{Derived, SyncedMembership, SyncedUser};
use crate::session::Session;
use crate::sync::{Member, MembershipSync, Synced, UserSync};

/// A type that may be the first parameter of a handler under `#[authenticated]`.
///
/// | parameter | what the handler gets | cost |
/// |---|---|---|
/// | `User` | the row | one read unless cached, a write if a claim changed |
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
/// Generated code calls it. If a handler names its state, a missing field is an error at the handler's parameter
/// instead of at the route.
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
    label = "`Session` takes a `Clerk` from the state, a user takes a `Clerk` and a `UserSync<_>`, a `Member<_>` a `Clerk` and a `MembershipSync<_>`",
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

    /// Like [`resolve`](Self::resolve), for a handler that also takes rows of the active organization. Reads all rows
    /// together if that saves statements, and stores the others in the extensions.
    ///
    /// # Errors
    ///
    /// The [`Rejection`] to answer with.
    #[doc(hidden)]
    fn resolve_before_member(
        session: Option<Session>,
        state: &S,
        others: &mut Extensions,
    ) -> impl Future<Output = Result<Self, Rejection>> + Send
    where
        S: Sync,
    {
        let _ = others;
        Self::resolve(session, state)
    }

    /// Fetches the subject of an `Option` parameter; `None` if the session has none.
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
        users.sync(&session).await.map_err(Rejection::from_sync::<U>)
    }

    async fn resolve_before_member(
        session: Option<Session>,
        state: &S,
        others: &mut Extensions,
    ) -> Result<Self, Rejection> {
        let session = session.ok_or(Rejection::SignedOut)?;
        let users: UserSync<U> = state.provide();
        let Synced { user, outcome } = users.sync_before_member(&session, others).await?;
        let user = users.by_value(&session, user).await;
        let user = user.map_err(Rejection::from_sync::<U>)?;
        Ok(Self { user, outcome })
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

    async fn resolve_before_member(
        session: Option<Session>,
        state: &S,
        others: &mut Extensions,
    ) -> Result<Self, Rejection> {
        let synced = Synced::resolve_before_member(session, state, others).await?;
        Ok(synced.user)
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

    async fn resolve_before_member(
        session: Option<Session>,
        state: &S,
        others: &mut Extensions,
    ) -> Result<Self, Rejection> {
        let session = session.ok_or(Rejection::SignedOut)?;
        let users: UserSync<U> = state.provide();
        let synced = users.sync_before_member(&session, others).await?;
        Ok(synced.user)
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

    async fn resolve_before_member(
        session: Option<Session>,
        state: &S,
        others: &mut Extensions,
    ) -> Result<Self, Rejection> {
        match session {
            Some(session) => T::resolve_before_member(Some(session), state, others)
                .await
                .map(Some),
            None => Ok(None),
        }
    }
}

/// A subject that every state provides and that never resolves. Generated code checks this type in place of a parameter
/// with a reported mistake.
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

impl<S, M> FromRequestParts<S> for Member<M>
where
    S: Provides<Clerk> + Provides<MembershipSync<M>> + Send + Sync,
    M: SyncedMembership,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = admit::<NoRequirement>(parts, &state.provide()).await?;
        Self::resolve(session, state).await
    }
}

impl<S: Provides<Clerk> + Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = admit::<NoRequirement>(parts, &state.provide()).await?;
        Self::resolve(session, state).await
    }
}
