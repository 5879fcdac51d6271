//! What the application's state must hold.

use axum::extract::FromRef;

/// An application state from which a `T` can be taken: [`FromRef`] with a voice.
///
/// Nobody implements it: a state with `#[derive(FromRef)]` provides the types of its fields, and a handle is its own state.
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
    note = "add a field of type `{T}` to `{Self}` and `#[derive(Clone, axum::extract::FromRef)]`"
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
