//! The bounds on a field that let requests share its struct.

use std::marker::PhantomData;

/// A type that requests can share.
pub trait Shared: Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Shared for T {}

/// Like `Shared`, with one message. `Send` and `Sync` as supertraits would be two errors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between requests",
    label = "requests share a row, and run on several threads",
    note = "replace `Rc<_>` by `Arc<_>`; move what a `Cell<_>` or a `RefCell<_>` changes to the application's state"
)]
pub trait SharedField {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> SharedField for T {}

/// The type of a field that has been reported. `Reported` can be any column, so that nothing more is reported.
#[derive(Debug, Default)]
pub struct Reported;

/// A type that is checked further if requests can share it.
pub struct Probe<T>(pub PhantomData<T>);

impl<T: Shared> Probe<T> {
    /// Returns the type itself.
    pub fn shared(self) -> PhantomData<T> {
        self.0
    }
}

/// The fallback of [`Probe`] for a type that requests cannot share, which has been reported.
pub trait Unshared: Sized {
    /// Nothing more is reported about the field.
    fn shared(self) -> PhantomData<Reported> {
        PhantomData
    }
}

impl<T> Unshared for Probe<T> {}

/// Assumes, in generated code, that requests can share a struct. Each field's type is checked separately. rustc does
/// not prove a bound with a named lifetime where the bound is written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between requests",
    label = "one of its fields cannot",
    note = "the error at the field explains why"
)]
pub trait SharedIn<'a>: Sized + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> SharedIn<'_> for T {}
