//! The code generated for an invalid struct, so that rustc reports nothing but the mistakes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericParam, Generics, Ident};

use super::access::{alias, joined};
use super::assertion::checks;
use super::derived;
use super::extractor::{extractor, shared};
use crate::synced_row::RowKind;
use crate::synced_row::model::{Model, References};

/// Impls that satisfy every bound and do nothing; the crate does not compile, so they never run.
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
    let listed = generics.params.iter();
    let listed_again = generics.params.iter();
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
    // Without its user and organization a membership has no handle from which a request could take it.
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

            #[automatically_derived]
            impl<#(#listed_again,)* __Key> __clerk_auth::row::KeyedBy<__Key> for #ident #arguments {}

            #membership

            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #parameters __clerk_auth::row::SyncedRow for #ident #arguments
            where
                #shared
            {
                type Claims = ();

                const KIND: __clerk_auth::row::RowKind = __clerk_auth::row::RowKind::#kind;
                const LOCAL_KEY: &'static str = "";
                const CLERK_ID: &'static str = "";
                const NAME: &'static str = "";
                const TABLE: &'static str = "";
                const SESSION_TOKEN_TEMPLATE: &'static str = "";
                const TEMPLATE: &'static [__clerk_auth::claim::TemplateClaim] = &[];
                const SESSION_TOKEN_BUDGET: __clerk_auth::claim::SessionTokenBudget =
                    __clerk_auth::claim::SessionTokenBudget::new(&[]);
                const VERSION: __clerk_auth::row::VersionSource = __clerk_auth::row::VersionSource::IssuedAt;
                const FRESH_FOR: ::core::time::Duration = ::core::time::Duration::ZERO;

                fn read_claims(
                    _: __clerk_auth::claim::ClaimSource<'_>,
                ) -> ::core::result::Result<(), __clerk_auth::claim::UnreadableClaims> {
                    ::core::result::Result::Ok(())
                }

                fn compare<__R>(
                    &self,
                    _: __clerk_auth::row::Compared<'_, Self>,
                    __read: fn(&[(&'static str, bool)]) -> __R,
                ) -> __R {
                    __read(&[])
                }

                fn copy(&self) -> ::core::option::Option<Self> {
                    ::core::option::Option::None
                }

                fn clear(_: &mut (), _: usize) -> bool {
                    false
                }
            }

            #[automatically_derived]
            impl<#(#listed,)* __Database: __clerk_auth::__private::sqlx::Database>
                __clerk_auth::row::StoredIn<__Database> for #ident #arguments
            where
                #shared
            {
                const SELECT: &'static str = "";
                const SELECT_MANY: &'static str = "";
                const WIDTH: usize = 0;
                const SELECT_IDS: &'static str = "";
                const UPSERT: &'static str = "";
                const INSERT: &'static str = "";
                const UPSERT_MANY: __clerk_auth::row::UpsertMany = __clerk_auth::row::UpsertMany::new("", "", 0);
                const RAISE_VERSION: &'static str = "";
                const RAISE_VERSION_MANY: &'static str = "";
                const TOMBSTONE: &'static str = "";
                const LISTED: &'static str = "";
                const COLUMNS: &'static [__clerk_auth::row::ColumnDefinition] = &[];
                const CLAIM_COLUMNS: &'static [__clerk_auth::row::ClaimColumn] = &[];

                fn bind(
                    _: &(),
                    _: i64,
                    _: &mut <__Database as __clerk_auth::__private::sqlx::Database>::Arguments,
                ) -> ::core::result::Result<(), __clerk_auth::__private::sqlx::error::BoxDynError> {
                    ::core::result::Result::Ok(())
                }

                fn bind_claim(
                    _: &(),
                    _: usize,
                    _: &mut <__Database as __clerk_auth::__private::sqlx::Database>::Arguments,
                ) -> ::core::result::Result<(), __clerk_auth::__private::sqlx::error::BoxDynError> {
                    ::core::result::Result::Ok(())
                }

                fn add_null(
                    _: usize,
                    _: &mut <__Database as __clerk_auth::__private::sqlx::Database>::Arguments,
                ) -> ::core::result::Result<(), __clerk_auth::__private::sqlx::error::BoxDynError> {
                    ::core::result::Result::Ok(())
                }

                fn can_read(
                    _: usize,
                    _: &<__Database as __clerk_auth::__private::sqlx::Database>::TypeInfo,
                ) -> bool {
                    false
                }

                fn from_row(
                    _: &<__Database as __clerk_auth::__private::sqlx::Database>::Row,
                    _: usize,
                ) -> ::core::result::Result<Self, __clerk_auth::__private::sqlx::Error> {
                    ::core::result::Result::Err(__clerk_auth::__private::sqlx::Error::RowNotFound)
                }
            }

            #extractor
        };
    }
}
