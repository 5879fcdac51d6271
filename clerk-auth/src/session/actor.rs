//! The actor of a session: a person or an agent who acts for the user.

use std::fmt;

use super::payload_slice::PayloadSlice;

/// The actor who acts for the user of a session: the claim `act`.
///
/// Returned by [`Session::actor`](crate::Session::actor).
///
/// ```
/// use clerk_auth::Session;
/// use clerk_auth::session::ActorKind;
///
/// /// Formats a line of an audit log.
/// fn entry(session: &Session) -> String {
///     let user = session.user_id();
///     match session.actor() {
///         None => format!("{user}"),
///         Some(actor) if actor.kind() == ActorKind::Person => format!("{user}, by the person {}", actor.id()),
///         Some(actor) => format!("{user}, by the agent {}", actor.id()),
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    pub(super) claims: &'a ActorClaims,
    pub(super) payload: &'a str,
}

/// The kind of an [`Actor`].
///
/// ```
/// # #[cfg(feature = "testing")] {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use axum::http::{HeaderMap, header::AUTHORIZATION};
/// use clerk_auth::session::ActorKind;
/// use clerk_auth::testing::Issuer;
///
/// let issuer = Issuer::new("https://clerk.example.com");
/// let token = issuer.token("user_ada").agent("agent_1").sign();
/// let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
/// let session = issuer.clerk().authenticate(&headers).await?;
/// let actor = session.actor().expect("an agent acts for Ada");
/// assert_eq!((actor.id(), actor.kind()), ("agent_1", ActorKind::Agent));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap() }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ActorKind {
    /// A person who impersonates the user: `act` without a `type`.
    Person,
    /// An agent: `act.type` is `agent`.
    Agent,
    /// An actor of a kind that this version does not recognize. Denied wherever an agent is.
    Other,
}

/// The claims about the actor in a token.
pub(crate) struct ActorClaims {
    pub(super) id: PayloadSlice,
    pub(super) kind: ActorKind,
}

impl<'a> Actor<'a> {
    /// Returns the actor's id: `act.sub`. For a person, the id is a Clerk user id.
    pub fn id(&self) -> &'a str {
        self.claims.id.get(self.payload)
    }

    /// Returns the actor's kind: `act.type`.
    pub fn kind(&self) -> ActorKind {
        self.claims.kind
    }
}

impl fmt::Debug for Actor<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Actor")
            .field("id", &self.id())
            .field("kind", &self.kind())
            .finish()
    }
}
