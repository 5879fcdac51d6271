//! Checks an organization as a parameter, in generated code: parts that the state lacks, and unsupported wrappers.
//!
//! These are further links of the chain in `parameter`.

use std::marker::PhantomData;
use std::sync::Arc;

use super::data::{Blameless, Content, Fine};
use super::parameter::{Found, NotExtracted, NotProvided, ReadsBody};
use crate::row::{DerivedOrganization, SyncedOrganization};
use crate::sync::{OrganizationSync, Synced};

/// An organization that cannot be extracted: the state lacks its handle, or a field is not `Send` and `Sync`.
#[derive(Debug)]
pub struct NotSynced<O, S>(PhantomData<fn() -> (O, S)>);

/// An organization `O` in a wrapper `T`.
#[derive(Debug)]
pub struct Wrapped<T, O>(PhantomData<fn() -> (T, O)>);

impl<O: DerivedOrganization, S> NotExtracted<O, S> {
    /// Finds an organization.
    pub fn ask_organization(self) -> NotSynced<O, S> {
        NotSynced(PhantomData)
    }
}

impl<O: DerivedOrganization, S> NotExtracted<Option<O>, S> {
    /// Finds an organization that need not be active.
    pub fn ask_organization(self) -> NotSynced<O, S> {
        NotSynced(PhantomData)
    }
}

/// Finds an organization in each of these wrappers.
macro_rules! wrappers {
    ($($wrapper:ty),* $(,)?) => {$(
        impl<O: DerivedOrganization, S> NotExtracted<$wrapper, S> {
            /// Finds an organization in a wrapper.
            pub fn ask_organization(self) -> Wrapped<$wrapper, O> {
                Wrapped(PhantomData)
            }
        }
    )*};
}

wrappers!(
    Arc<O>,
    Synced<O>,
    Synced<Arc<O>>,
    Option<Arc<O>>,
    Option<Synced<O>>,
    Option<Option<O>>,
    Arc<Option<O>>,
);

impl<O: SyncedOrganization, S> NotSynced<O, S> {
    /// Finds that the state lacks the handle.
    pub fn ask_handle(self) -> NotProvided<OrganizationSync<O>, S> {
        NotProvided(PhantomData)
    }
}

/// The fallback of `NotSynced`.
pub trait NotShared: Sized {
    /// A field is not `Send` and `Sync`, which has been reported.
    fn ask_handle(self) -> Fine {
        Fine
    }
}

impl<O, S> NotShared for NotSynced<O, S> {}

/// The results of the chain that are not about an organization.
pub trait OtherResult: Sized {
    /// Keeps the result.
    fn ask_organization(self) -> Self {
        self
    }

    /// Keeps the result.
    fn ask_handle(self) -> Self {
        self
    }
}

impl OtherResult for Fine {}
impl<T> OtherResult for ReadsBody<T> {}
impl<T, S> OtherResult for NotExtracted<T, S> {}
impl<T, S> OtherResult for NotProvided<T, S> {}
impl<T, O> OtherResult for Wrapped<T, O> {}

impl<T, O> Found for Wrapped<T, O> {
    type Unread<D> = Fine;
    type Foreign<W: Content> = Blameless;
    type ReadsBody = Fine;
    type NotExtracted = Fine;
    type NotProvided = Fine;
    type Wrapped = T;
    type Organization = O;
}

/// Implemented by types in which a handler can take the organization `O`.
#[diagnostic::on_unimplemented(
    message = "a handler takes an organization as `{O}` or `Option<{O}>`, and this is `{Self}`",
    label = "`{Self}` is not an extractor",
    note = "write `{O}`, or `Option<{O}>` if no organization need be active"
)]
pub trait TakenByValue<O> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: (PhantomData<Self>, PhantomData<O>)) {}
}

#[diagnostic::do_not_recommend]
impl<O> TakenByValue<O> for Fine {}
