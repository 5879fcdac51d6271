//! Generates the code for an invalid struct, so that rustc reports only the mistakes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericParam, Generics, Ident};

use super::access::{alias, joined};
use super::assertion::checks;
use super::derived;
use super::extractor::{extractor, shared};
use crate::synced_row::RowKind;
use crate::synced_row::model::{Model, References};

/// Generates the impls of a row that does nothing, and the checks of the readable fields.
pub(crate) fn expand(
    kind: RowKind,
    import: &TokenStream,
    ident: &Ident,
    generics: &Generics,
    model: Option<&Model>,
) -> TokenStream {
    let mut generics = generics.clone();
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Type(parameter) => parameter.default = None,
            GenericParam::Const(parameter) => parameter.default = None,
            GenericParam::Lifetime(_) => return TokenStream::new(),
        }
    }
    let (parameters, arguments, _) = generics.split_for_impl();
    let shared = shared([quote!(#ident #arguments)]);
    let model = model.filter(|_| generics.params.is_empty());
    let aliases = model
        .into_iter()
        .flat_map(|model| model.columns.iter().filter_map(alias));
    let checks = model.map(checks);
    let joined = model.and_then(joined);
    let references = model.and_then(|model| model.references.as_ref());
    let membership = references.map(
        |References {
             user, organization, ..
         }| {
            quote! {
                #[automatically_derived]
                impl #parameters __clerk_auth::row::SyncedMembership for #ident #arguments
                where
                    #shared
                {
                    type User = #user;
                    type Organization = #organization;
                }
            }
        },
    );
    // Without a user and an organization, a membership has no handle that could extract it.
    let is_extracted = kind != RowKind::Membership || references.is_some();
    let extractor = is_extracted.then(|| extractor(kind, ident, &generics, &shared));
    let (derived, kind) = (derived(kind), super::kind(kind));
    quote! {
        const _: () = {
            #import
            #[allow(unused_imports)]
            use __clerk_auth::{
                __private, claim as __claim,
                __private::{Same as __Same, UnheldClaim as _, Unshared as _, UnstoredColumns as _},
            };

            #(#aliases)*
            #joined
            #checks

            #[automatically_derived]
            impl #parameters __clerk_auth::row::#derived for #ident #arguments {}

            #membership

            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #parameters __clerk_auth::row::Inert for #ident #arguments
            where
                #shared
            {
                const KIND: __clerk_auth::row::RowKind = __clerk_auth::row::RowKind::#kind;
            }

            #extractor
        };
    }
}
