//! The extractor of the row.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Generics;

use super::access::private;
use crate::synced_row::RowKind;

/// Asserts that the struct and its claims are `Send + Sync`. An unsuitable field has already been reported.
pub(crate) fn shared(types: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let private = private();
    let types = types.into_iter();
    quote!(#(for<'__a> #types: #private::SharedIn<'__a>,)*)
}

/// Generates the extractor of the row: a user in a handler without `#[authenticated]`, or an organization after the
/// user.
pub(crate) fn extractor(
    kind: RowKind,
    ident: &Ident,
    generics: &Generics,
    shared: &TokenStream,
) -> TokenStream {
    let private = private();
    let (_, arguments, _) = generics.split_for_impl();
    let row = quote!(#ident #arguments);
    let state = match kind {
        RowKind::User => quote! {
            #private::Clerk: #private::axum::extract::FromRef<__State>,
            #private::UserSync<#row>: #private::axum::extract::FromRef<__State>,
        },
        RowKind::Organization => quote! {
            #private::OrganizationSync<#row>: #private::axum::extract::FromRef<__State>,
        },
        RowKind::Membership => quote! {
            #private::MembershipSync<#row>: #private::axum::extract::FromRef<__State>,
        },
    };
    let active = |handle: TokenStream| {
        (
            quote!(extract_active::<#private::#handle<Self>, __State>),
            Some(quote!(extract_optional_active::<#private::#handle<Self>, __State>)),
        )
    };
    let (extract, extract_optional) = match kind {
        RowKind::User => (quote!(extract_user::<Self, __State>), None),
        RowKind::Organization => active(quote!(OrganizationSync)),
        RowKind::Membership => active(quote!(MembershipSync)),
    };
    let implementation = |of: TokenStream, method: TokenStream, found: TokenStream, extract: TokenStream| {
        let parameters = generics.params.iter();
        quote! {
            #[automatically_derived]
            impl<#(#parameters,)* __State> #private::axum::extract::#of<__State> for #row
            where
                __State: ::core::marker::Send + ::core::marker::Sync,
                #state
                #shared
            {
                type Rejection = #private::Rejection;

                fn #method(
                    __parts: &mut #private::Parts,
                    __state: &__State,
                ) -> impl ::core::future::Future<Output = ::core::result::Result<#found, Self::Rejection>>
                + ::core::marker::Send {
                    #private::#extract(__parts, __state)
                }
            }
        }
    };
    let required = implementation(
        quote!(FromRequestParts),
        quote!(from_request_parts),
        quote!(Self),
        extract,
    );
    let optional = extract_optional.map(|extract| {
        implementation(
            quote!(OptionalFromRequestParts),
            quote!(from_request_parts),
            quote!(::core::option::Option<Self>),
            extract,
        )
    });
    quote!(#required #optional)
}
