//! What a field must be so that its struct can be shared between requests.

use std::marker::PhantomData;

/// A type that requests can share.
pub trait Shared: Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Shared for T {}

/// The same, with a voice: a supertrait would speak for itself, and each once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between requests",
    label = "requests share a row, and run on several threads",
    note = "replace `Rc<_>` by `Arc<_>`; move what a `Cell<_>` or a `RefCell<_>` changes to the application's state"
)]
pub trait SharedField {
    /// Does nothing; calling it is the assertion.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> SharedField for T {}

/// The type of a field that has been reported: it can be every column, so that nothing more is said.
#[derive(Debug, Default)]
pub struct Reported;

/// A type of which more is asked if it can be shared.
pub struct Probe<T>(pub PhantomData<T>);

impl<T: Shared> Probe<T> {
    /// The type itself.
    pub fn shared(self) -> PhantomData<T> {
        self.0
    }
}

/// What [`Probe`] does when the type cannot be shared, which has been reported.
pub trait Unshared: Sized {
    /// Nothing more is reported about the field.
    fn shared(self) -> PhantomData<Reported> {
        PhantomData
    }
}

impl<T> Unshared for Probe<T> {}

/// That a struct can be shared, as an assumption of generated code: rustc does not prove one that names a lifetime where it
/// stands, and the types of the fields have been asked, each by itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between requests",
    label = "one of its fields cannot",
    note = "the error at the field explains why"
)]
pub trait SharedIn<'a>: Sized + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> SharedIn<'_> for T {}
