//! The extractor of the row.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Generics;

use crate::synced_row::RowKind;

/// Asserts that the struct and its claims are `Send + Sync`. An unsuitable field has already been reported.
pub(crate) fn shared(types: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let types = types.into_iter();
    quote!(#(for<'__a> #types: __private::SharedIn<'__a>,)*)
}

/// Generates the extractor of the row: a user in a handler without `#[authenticated]`, or an organization after the
/// user.
pub(crate) fn extractor(
    kind: RowKind,
    ident: &Ident,
    generics: &Generics,
    shared: &TokenStream,
) -> TokenStream {
    let (_, arguments, _) = generics.split_for_impl();
    let row = quote!(#ident #arguments);
    let state = match kind {
        RowKind::User => quote! {
            __private::Clerk: __private::axum::extract::FromRef<__State>,
            __private::UserSync<#row>: __private::axum::extract::FromRef<__State>,
        },
        RowKind::Organization => quote! {
            __private::OrganizationSync<#row>: __private::axum::extract::FromRef<__State>,
        },
        RowKind::Membership => quote! {
            __private::MembershipSync<#row>: __private::axum::extract::FromRef<__State>,
        },
    };
    let active = |handle: TokenStream| {
        (
            quote!(extract_active::<__private::#handle<Self>, __State>),
            Some(quote!(extract_optional_active::<__private::#handle<Self>, __State>)),
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
            impl<#(#parameters,)* __State> __private::axum::extract::#of<__State> for #row
            where
                __State: ::core::marker::Send + ::core::marker::Sync,
                #state
                #shared
            {
                type Rejection = __private::Rejection;

                fn #method(
                    __parts: &mut __private::Parts,
                    __state: &__State,
                ) -> impl ::core::future::Future<Output = ::core::result::Result<#found, Self::Rejection>>
                + ::core::marker::Send {
                    __private::#extract(__parts, __state)
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
