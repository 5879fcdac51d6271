//! How generated code reaches a field: through functions of the runtime crate that exist for every type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::model::{ClaimColumn, Column, Encoding};
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
    if claim.can_be_cleared() {
        quote!(::clerk_auth::claim::Nullable<#kind>)
    } else {
        kind
    }
}

/// `ColumnField::<T, DB>`, or how else the column is stored.
pub(super) fn column_field(column: &Column, database: &TokenStream) -> TokenStream {
    let private = private();
    let ty = &column.ty;
    match (column.encoding, column.claim()) {
        (Encoding::Json, _) => quote!(#private::JsonColumn::<#ty, #database>),
        (Encoding::Text, Some(claim)) => {
            let kind = held_kind(claim);
            quote!(#private::TextColumn::<#ty, #kind, #database>)
        }
        (Encoding::Own | Encoding::Text, _) => quote!(#private::ColumnField::<#ty, #database>),
    }
}

/// `ClaimField::<T, K>`, or how else the claim becomes the field's type.
pub(super) fn claim_field(column: &Column, claim: &ClaimColumn) -> TokenStream {
    let private = private();
    let ty = &column.ty;
    let kind = held_kind(claim);
    match column.encoding {
        Encoding::Json => quote!(#private::JsonField::<#ty, #kind>),
        Encoding::Own | Encoding::Text if claim.parse => quote!(#private::ParsedField::<#ty, #kind>),
        Encoding::Own | Encoding::Text => quote!(#private::ClaimField::<#ty, #kind>),
    }
}
