//! The extractor into which `#[authenticated]` turns a handler's first parameter.

use std::fmt;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::admission::{admit, decide};
use super::decides::Decides;
use super::provides::Provides;
use super::rejection::Rejection;
use super::subject::{Subject, SubjectFrom};
use crate::clerk::Clerk;
use crate::policy::NoRequirement;
use crate::row::{Derived, SyncedMembership};
use crate::session::Session;
use crate::sync::Member;

/// A signed-in `T` to whom the policy `P` grants access to the handler.
///
/// `#[authenticated]` writes this type for you; a test calls the handler with `user.into()`:
///
/// ```
/// use clerk_auth::extract::Authenticated;
///
/// async fn greet(Authenticated { subject: name, .. }: Authenticated<&'static str>) -> String {
///     format!("hello, {name}")
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(greet("Ada".into()).await, "hello, Ada");
/// # });
/// ```
///
/// The policy decides before the `T` is fetched. A policy with a requirement rejects visitors, even if `T` is an
/// `Option`.
///
/// Rejects with a [`Rejection`]: 401 without a session or with a refused token, 403 if the policy denies, 503 if keys
/// or database are unreachable.
pub struct Authenticated<T, P = NoRequirement> {
    /// The signed-in user.
    pub subject: T,
    policy: PhantomData<fn() -> P>,
}

impl<T, P> From<T> for Authenticated<T, P> {
    fn from(subject: T) -> Self {
        Self {
            subject,
            policy: PhantomData,
        }
    }
}

impl<T: Clone, P> Clone for Authenticated<T, P> {
    fn clone(&self) -> Self {
        self.subject.clone().into()
    }
}

impl<T: fmt::Debug, P> fmt::Debug for Authenticated<T, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Authenticated")
            .field(&self.subject)
            .finish()
    }
}

impl<S, T, P> FromRequestParts<S> for Authenticated<T, P>
where
    S: Provides<Clerk> + Send + Sync,
    T: SubjectFrom<S>,
    P: Decides<T>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = admit::<P::Session>(parts, &state.provide()).await?;
        resolve::<T, P, S>(session, parts, state).await.map(Self::from)
    }
}

/// An extractor that rejects requests without a session. The first parameter of each handler in a guarded router.
///
/// Sealed. Guards are [`Authenticated`], which `#[authenticated]` writes, [`Session`], every
/// [`SyncedUser`](macro@crate::SyncedUser) struct, and [`Member`].
///
/// ```
/// use clerk_auth::routing::{Router, get};
/// use clerk_auth::{Clerk, Session, authenticated};
///
/// #[authenticated]
/// async fn whoami(session: Session) -> String {
///     session.user_id().to_string() // the parameter is an `Authenticated<Session>` now, which is a `Guard`
/// }
///
/// let router: Router<Clerk> = Router::new().route("/whoami", get(whoami));
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "the first parameter of the handler does not authenticate",
    note = "add `#[authenticated]` to the handler, or mount it as public: `.public(path, axum::routing::get(handler))`"
)]
pub trait Guard: Sized + sealed::Sealed {
    /// The type of the signed-in user.
    #[doc(hidden)]
    type Subject;

    /// Authenticates the request, applies the policy, and fetches the subject. A visitor is rejected here, before the
    /// subject is resolved.
    #[doc(hidden)]
    fn admit<S>(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send
    where
        Self::Subject: SubjectFrom<S>,
        S: Provides<Clerk> + Sync;
}

impl<T: Subject, P: Decides<T>> Guard for Authenticated<T, P> {
    type Subject = T;

    async fn admit<S>(parts: &mut Parts, state: &S) -> Result<Self, Rejection>
    where
        T: SubjectFrom<S>,
        S: Provides<Clerk> + Sync,
    {
        signed_in::<T, P, S>(parts, state).await.map(Self::from)
    }
}

impl Guard for Session {
    type Subject = Self;

    async fn admit<S>(parts: &mut Parts, state: &S) -> Result<Self, Rejection>
    where
        Self: SubjectFrom<S>,
        S: Provides<Clerk> + Sync,
    {
        signed_in::<Self, NoRequirement, S>(parts, state).await
    }
}

impl<M: SyncedMembership> Guard for Member<M> {
    type Subject = Self;

    async fn admit<S>(parts: &mut Parts, state: &S) -> Result<Self, Rejection>
    where
        Self: SubjectFrom<S>,
        S: Provides<Clerk> + Sync,
    {
        signed_in::<Self, NoRequirement, S>(parts, state).await
    }
}

#[diagnostic::do_not_recommend]
impl<U: Derived> Guard for U {
    type Subject = Self;

    async fn admit<S>(parts: &mut Parts, state: &S) -> Result<Self, Rejection>
    where
        Self: SubjectFrom<S>,
        S: Provides<Clerk> + Sync,
    {
        signed_in::<Self, NoRequirement, S>(parts, state).await
    }
}

async fn signed_in<T, P, S>(parts: &mut Parts, state: &S) -> Result<T, Rejection>
where
    T: SubjectFrom<S>,
    P: Decides<T>,
    S: Provides<Clerk> + Sync,
{
    match admit::<P::Session>(parts, &state.provide()).await? {
        Some(session) => resolve::<T, P, S>(Some(session), parts, state).await,
        None => Err(Rejection::SignedOut),
    }
}

/// Fetches the subject, and applies the policy over its row.
async fn resolve<T, P, S>(session: Option<Session>, parts: &mut Parts, state: &S) -> Result<T, Rejection>
where
    T: SubjectFrom<S>,
    P: Decides<T>,
    S: Provides<Clerk> + Sync,
{
    let looking = session.clone().filter(|_| P::LOOKS_AT_ROW);
    let subject = match P::TAKES_MEMBER {
        true => T::resolve_before_member(session, state, &mut parts.extensions).await?,
        false => T::resolve(session, state).await?,
    };
    if let Some(session) = looking {
        decide::<P>(&session, || P::decide(&subject, &session))?;
    }
    Ok(subject)
}

mod sealed {
    use super::{Authenticated, Derived, Member, Session, SyncedMembership};

    pub trait Sealed {}

    impl<T, P> Sealed for Authenticated<T, P> {}
    impl Sealed for Session {}
    impl<M: SyncedMembership> Sealed for Member<M> {}
    impl<U: Derived> Sealed for U {}
}
