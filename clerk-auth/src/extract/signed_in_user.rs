//! The users that are present whenever the handler runs.

use std::marker::PhantomData;
use std::sync::Arc;

use super::subject::{Anybody, MaybeSynced};
use crate::row::{Derived, SyncedMembership};
use crate::session::Session;
use crate::sync::{Member, Synced};

/// A [`Subject`](super::Subject) that is present whenever the handler runs: every one except an `Option`, which admits
/// visitors.
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
    /// Cannot be implemented elsewhere, because the type is private.
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
