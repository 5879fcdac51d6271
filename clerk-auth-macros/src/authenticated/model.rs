//! What the attribute means: a policy, and who is handed to the handler.

use proc_macro2::TokenStream;
use syn::{Ident, Type};

/// The attribute and the parameters, checked.
pub(super) struct Model {
    pub(super) policy: Policy,
    /// The type of the application's state, where it is known.
    pub(super) state: Option<Type>,
    /// The type of the user, who is the first parameter; without one a guard is put in front.
    pub(super) subject: Option<Type>,
}

pub(super) enum Policy {
    SignedIn,
    /// The team's own type.
    Type(Type),
    /// A hidden type beside the handler.
    Requirement(Requirement),
}

/// A requirement of the runtime crate, by the name of its variant.
pub(super) enum Requirement {
    /// The variant and its value.
    Of(&'static str, TokenStream),
    Reverification(&'static str),
    ImpersonationDenied,
    All(Vec<Requirement>),
    Any(Vec<Requirement>),
}

/// The name of the hidden policy type of a handler.
pub(super) fn policy_name(handler: &Ident) -> Ident {
    use syn::ext::IdentExt;

    quote::format_ident!("__policy_of_{}", handler.unraw())
}
