//! The requirements on the application's state.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::clerk::Clerk;
use crate::row::{SyncedMembership, SyncedOrganization, SyncedUser};
use crate::sync::{MembershipSync, OrganizationSync, UserSync};
use crate::webhook::WebhookVerifier;

/// An application state from which a `T` can be taken: [`FromRef`] with a readable compiler error.
///
/// Implemented for every type. A state with `#[derive(FromRef)]` provides the types of its fields. An `Arc` of such a
/// state provides the handles of this crate among the fields, and a handle is its own state.
///
/// ```
/// use axum::extract::FromRef;
/// use clerk_auth::Clerk;
/// use clerk_auth::extract::Provides;
///
/// #[derive(Clone, FromRef)]
/// struct AppState {
///     clerk: Clerk,
///     greeting: String,
/// }
///
/// fn issuer(state: &AppState) -> String {
///     let clerk: Clerk = state.provide();
///     clerk.issuer().to_owned()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide `{T}`",
    label = "the handler needs `{T}` from this state",
    note = "add a field of type `{T}` to the struct of the state, and `#[derive(Clone, axum::extract::FromRef)]`; an `Arc` of the struct provides it too"
)]
pub trait Provides<T> {
    /// Takes the `T`; handles are cheap to clone.
    fn provide(&self) -> T;
}

#[diagnostic::do_not_recommend]
impl<S, T: FromRef<S>> Provides<T> for S {
    fn provide(&self) -> T {
        T::from_ref(self)
    }
}

// `#[derive(FromRef)]` covers the struct itself. The orphan rule forbids an application to implement it for an `Arc` of
// the struct.

impl<S> FromRef<Arc<S>> for Clerk
where
    Self: FromRef<S>,
{
    fn from_ref(state: &Arc<S>) -> Self {
        Self::from_ref(&**state)
    }
}

impl<S, U: SyncedUser> FromRef<Arc<S>> for UserSync<U>
where
    Self: FromRef<S>,
{
    fn from_ref(state: &Arc<S>) -> Self {
        Self::from_ref(&**state)
    }
}

impl<S, O: SyncedOrganization> FromRef<Arc<S>> for OrganizationSync<O>
where
    Self: FromRef<S>,
{
    fn from_ref(state: &Arc<S>) -> Self {
        Self::from_ref(&**state)
    }
}

impl<S, M: SyncedMembership> FromRef<Arc<S>> for MembershipSync<M>
where
    Self: FromRef<S>,
{
    fn from_ref(state: &Arc<S>) -> Self {
        Self::from_ref(&**state)
    }
}

impl<S> FromRef<Arc<S>> for WebhookVerifier
where
    Self: FromRef<S>,
{
    fn from_ref(state: &Arc<S>) -> Self {
        Self::from_ref(&**state)
    }
}
