//! The extractor into which `#[authenticated]` turns a handler's first parameter.

use std::fmt;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::provides::Provides;
use super::rejection::Rejection;
use super::subject::{SignedInUser, SubjectFrom, admit};
use crate::clerk::Clerk;
use crate::policy::{NoRequirement, Policy};
use crate::session::Session;
use crate::user::Derived;

/// A signed-in `T` to whom the policy `P` grants the handler.
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
/// The policy decides before the `T` is fetched, and for every `T` alike: a policy that requires anything rejects visitors,
/// even if `T` is an `Option`.
///
/// Rejects with a [`Rejection`]: 401 if nobody is signed in or the token is refused, 403 if the policy denies, 503 if
/// keys or database cannot be reached.
pub struct Authenticated<T, P = NoRequirement> {
    /// Who is signed in.
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
    P: Policy,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = admit::<P>(parts, &state.provide()).await?;
        T::resolve(session, state).await.map(Self::from)
    }
}

/// An extractor that lets nobody through who is not signed in. Guarded routes take only handlers that begin with one.
///
/// They are [`Authenticated`], which `#[authenticated]` writes, [`Session`], and every
/// [`SyncedUser`](macro@crate::SyncedUser) struct; not an `Option` of one, which lets visitors through.
///
/// ```
/// use clerk_auth::routing::get;
/// use clerk_auth::{Clerk, Session, authenticated};
///
/// #[authenticated]
/// async fn whoami(session: Session) -> String {
///     session.user_id().to_string() // the parameter is an `Authenticated<Session>` now, which is a `Guard`
/// }
///
/// let router: axum::Router<Clerk> = axum::Router::new().route("/whoami", get(whoami));
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "the handler's first parameter lets anybody through",
    note = "add `#[authenticated]` to the handler, or mount a public handler with `axum::routing`"
)]
pub trait Guard {}

impl<T: SignedInUser, P> Guard for Authenticated<T, P> {}

impl Guard for Session {}

#[diagnostic::do_not_recommend]
impl<U: Derived> Guard for U {}
