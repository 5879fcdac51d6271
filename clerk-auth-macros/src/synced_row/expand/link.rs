//! The key by which rows are linked: its type, its value among the claims, and its parameter.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::access::{column_field, field_type, kind_type};
use super::requirement::{Requirement, escape};
use crate::synced_row::model::{Column, Link, Model};
use crate::synced_row::template::shortcode::Kind;

/// Returns the field with the key in the struct of claims, if no claim feeds the column.
pub(crate) fn key_field() -> Ident {
    format_ident!("__clerk_link", span = Span::mixed_site())
}

/// Returns `LinkKey<T>` for a key that feeds no column.
pub(crate) fn key_type(model: &Model) -> Option<TokenStream> {
    let (_, column) = model.separate_link()?;
    let ty = field_type(column);
    Some(quote!(__private::LinkKey<#ty>))
}

/// Returns the expression that reads the key.
pub(crate) fn read_key(model: &Model) -> Option<TokenStream> {
    let (link, column) = model.separate_link()?;
    let name = &link.claim;
    let kind = kind_type(link.kind);
    let field = parsed_field(link, column);
    let text = match link.is_optional {
        true => quote!(::core::option::Option::Some(__text)),
        false => quote!(__text),
    };
    Some(quote!(__private::read_key::<#kind, _>(&mut __reader, #name, |__text| #field::hold(#text))))
}

/// Returns `ParsedField::<T, K>`.
fn parsed_field(link: &Link, column: &Column) -> TokenStream {
    let ty = field_type(column);
    let kind = parsed_kind(link);
    quote!(__private::ParsedField::<#ty, #kind>)
}

fn parsed_kind(link: &Link) -> TokenStream {
    let text = kind_type(Kind::Text);
    match link.is_optional {
        true => quote!(__claim::Nullable<#text>),
        false => text,
    }
}

fn trait_name(column: &Column) -> Ident {
    format_ident!("__Link_{}", column.ident, span = Span::mixed_site())
}

/// Generates the trait whose message explains that the type of a field cannot be the key.
pub(crate) fn key_trait(model: &Model) -> Option<TokenStream> {
    let (link, column) = model.separate_link()?;
    let kind = parsed_kind(link);
    let field = column.ident.unraw();
    let requirement = Requirement {
        name: trait_name(column),
        bound: quote!(__private::ParseClaim<#kind>),
        message: format!(
            "`{{Self}}` of the field `{field}` cannot be the key of the claim `{}`",
            escape(&link.claim)
        ),
        label: escape(&format!(
            "`{}` is `{}`, text that is parsed into the field's type: needs `FromStr`",
            link.claim, link.source
        )),
        note: "use `i64`, `uuid::Uuid`, `String`, or another type that implements `FromStr`".to_owned(),
    };
    Some(requirement.define(None))
}

/// Returns the trait of the key for the key's column, and the expression for further checks.
pub(crate) fn key_check(model: &Model, column: &Column) -> Option<(Ident, TokenStream)> {
    let (link, linked) = model.separate_link()?;
    if linked.ident != column.ident {
        return None;
    }
    let field = parsed_field(link, linked);
    Some((trait_name(column), quote!(#field::column())))
}

/// Generates the trait's function that adds the key to a statement's parameters.
pub(crate) fn bind_link(model: &Model, database: &TokenStream) -> Option<TokenStream> {
    let (_, column) = model.link()?;
    let field = column_field(column, database);
    let bound = match model.separate_link() {
        Some(_) => {
            let key = key_field();
            quote!(__private::bind_key(&__claims.#key, __arguments, #field::add, #field::add_null))
        }
        None => {
            let ident = &column.ident;
            quote!(__private::bind_own_key(&__claims.#ident, __arguments, #field::add))
        }
    };
    Some(quote! {
        fn bind_link(
            __claims: &Self::Claims,
            __arguments: &mut <#database as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<__clerk_auth::row::BoundKey, __private::sqlx::error::BoxDynError> {
            #bound
        }
    })
}
