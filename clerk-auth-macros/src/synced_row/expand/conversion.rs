//! Converts a claim's value into the field's type: by the type's own conversion, or by a function of the application.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::access::{claim_field, field_type, held_kind};
use crate::synced_row::model::{ClaimColumn, Column};

fn conversion_name(column: &Column) -> Ident {
    format_ident!("__convert_{}", column.ident, span = Span::mixed_site())
}

/// Generates a single call of the application's function, so that rustc reports a wrong signature once, under the
/// function's path.
pub(crate) fn conversion(column: &Column) -> Option<TokenStream> {
    let claim = column.claim()?;
    let path = claim.with.as_ref()?;
    let name = conversion_name(column);
    let ty = field_type(column);
    let kind = held_kind(claim);
    let value = quote!(<#kind as __claim::ClaimKind>::Value<'_>);
    let held = quote!(::core::result::Result<#ty, __claim::InvalidClaim>);
    Some(quote! {
        fn #name(__value: #value) -> #held {
            let __convert: fn(#value) -> #held = #path;
            __convert(__value)
        }
    })
}

/// Returns the expression that converts the claim's value into the field's type.
pub(crate) fn hold(column: &Column, claim: &ClaimColumn) -> TokenStream {
    match &claim.with {
        Some(_) => conversion_name(column).to_token_stream(),
        None => {
            let field = claim_field(column, claim);
            quote!(#field::hold)
        }
    }
}
