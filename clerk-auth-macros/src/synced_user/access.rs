//! How generated code reaches a field: through functions of the runtime crate that exist for every type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::model::{ClaimColumn, Column, Null};
use super::parse::Database;
use super::shortcode::Kind;

pub(super) fn private() -> TokenStream {
    quote!(::clerk_auth::__private)
}

pub(super) fn database_type(database: Database) -> TokenStream {
    match database {
        Database::Postgres => quote!(::clerk_auth::__private::sqlx::Postgres),
        Database::Sqlite => quote!(::clerk_auth::__private::sqlx::Sqlite),
    }
}

pub(super) fn kind_type(kind: Kind) -> TokenStream {
    let name = format_ident!("{}", format!("{kind:?}"));
    quote!(::clerk_auth::claim::#name)
}

/// The kind that the field's type must hold.
pub(super) fn held_kind(claim: &ClaimColumn) -> TokenStream {
    let kind = kind_type(claim.kind);
    if claim.nullable && claim.null == Null::Held {
        quote!(::clerk_auth::claim::Nullable<#kind>)
    } else {
        kind
    }
}

/// `ClaimField::<T, K>` or `ParsedField::<T, K>`.
pub(super) fn claim_field(column: &Column, claim: &ClaimColumn) -> TokenStream {
    let private = private();
    let ty = &column.ty;
    let kind = held_kind(claim);
    if claim.parse {
        quote!(#private::ParsedField::<#ty, #kind>)
    } else {
        quote!(#private::ClaimField::<#ty, #kind>)
    }
}
