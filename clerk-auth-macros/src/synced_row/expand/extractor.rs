//! The extractor of the row.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Generics;

use super::access::private;

/// Asserts that the struct and its claims are `Send + Sync`. A field that is not has been reported already.
pub(crate) fn shared(types: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let private = private();
    let types = types.into_iter();
    quote!(#(for<'__a> #types: #private::SharedIn<'__a>,)*)
}

/// The extractor of the row, for handlers without `#[authenticated]`.
pub(crate) fn extractor(ident: &Ident, generics: &Generics, shared: &TokenStream) -> TokenStream {
    let private = private();
    let parameters = generics.params.iter();
    let (_, arguments, _) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl<#(#parameters,)* __State> #private::axum::extract::FromRequestParts<__State> for #ident #arguments
        where
            __State: ::core::marker::Send + ::core::marker::Sync,
            #private::Clerk: #private::axum::extract::FromRef<__State>,
            #private::UserSync<#ident #arguments>: #private::axum::extract::FromRef<__State>,
            #shared
        {
            type Rejection = #private::Rejection;

            fn from_request_parts(
                __parts: &mut #private::Parts,
                __state: &__State,
            ) -> impl ::core::future::Future<Output = ::core::result::Result<Self, Self::Rejection>>
            + ::core::marker::Send {
                #private::extract_user::<Self, __State>(__parts, __state)
            }
        }
    }
}
