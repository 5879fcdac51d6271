//! A trait in the user's crate whose message explains why the type of one field does not fit.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A bound that a type must satisfy, and the error that rustc reports otherwise.
pub(crate) struct Requirement {
    pub(crate) name: Ident,
    pub(crate) bound: TokenStream,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) note: String,
}

impl Requirement {
    /// Defines the trait. `feature` is a further note about the feature that the type needs.
    pub(crate) fn define(&self, feature: Option<String>) -> TokenStream {
        let Self {
            name,
            bound,
            message,
            label,
            note,
        } = self;
        let feature = feature.map(|note| quote!(note = #note,));
        quote! {
            #[diagnostic::on_unimplemented(message = #message, label = #label, #feature note = #note)]
            #[allow(non_camel_case_types)]
            trait #name {
                fn check(_: ::core::marker::PhantomData<Self>) {}
            }

            #[diagnostic::do_not_recommend]
            impl<T: #bound> #name for T {}
        }
    }
}

/// Doubles the braces, which mark a parameter in `on_unimplemented`.
pub(crate) fn escape(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
