//! The assertions about a struct's columns. Each requirement is asserted once, under the field's type.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Token;

use super::access::{claim_field, database_type, field_type, kind_type};
use super::claim_trait::{claim_trait, default_trait, default_trait_name, holds};
use super::column_trait;
use super::link::{key_check, key_trait};
use crate::synced_row::model::{ClaimColumn, Column, Encoding, Model, Null, Role};
use crate::synced_row::template::shortcode::Kind;

/// Generates the assertions about the columns that were understood, even if there are errors, so that one build shows
/// all.
pub(crate) fn checks(model: &Model) -> TokenStream {
    let traits = model
        .columns
        .iter()
        .filter_map(|column| claim_trait(model.kind, column));
    let stored = model
        .columns
        .iter()
        .map(|column| column_trait::definitions(model, column));
    let defaults = model.columns.iter().filter_map(default_trait);
    let key = key_trait(model);
    let calls = model.columns.iter().map(|column| check_column(model, column));
    let user = &model.ident;
    let has_others = model.columns.iter().any(|column| !column.is_prelude);
    let user = has_others.then(|| quote!(__user: &#user));
    quote! {
        #(#traits)*
        #(#stored)*
        #(#defaults)*
        #key

        #[allow(dead_code)]
        fn __check(#user) {
            #(#calls)*
        }
    }
}

/// Generates the inferred type of a witness, at the span of the field's type. rustc underlines everything from the first
/// of these tokens to the last.
///
/// The type is inferred instead of repeated, so that nothing is asserted about a type that rustc has rejected.
fn inferred_at_field(column: &Column) -> TokenStream {
    let tokens: Vec<TokenTree> = column.ty.to_token_stream().into_iter().collect();
    let first = tokens.first().map_or(column.at, start);
    let last = tokens.last().map_or(column.at, end);
    let same = Ident::new("__Same", first);
    let close = Token![>](last);
    quote!(#same<_ #close)
}

/// Generates the field's type at its span. The type needs no inference if rustc cannot reject it.
fn type_at_field(column: &Column) -> TokenStream {
    if column.is_prelude {
        column.ty.to_token_stream()
    } else {
        inferred_at_field(column)
    }
}

/// Generates the expression for a value of the field's type in an assertion.
fn witness(column: &Column) -> TokenStream {
    if column.is_prelude {
        return quote!(::core::marker::PhantomData);
    }
    let ident = &column.ident;
    quote!(__private::of(&__user.#ident))
}

fn start(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => group
            .stream()
            .into_iter()
            .next()
            .map_or(group.span(), |token| start(&token)),
        TokenTree::Group(group) => group.span_open(),
        token => token.span(),
    }
}

fn end(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => group
            .stream()
            .into_iter()
            .last()
            .map_or(group.span(), |token| end(&token)),
        TokenTree::Group(group) => group.span_close(),
        token => token.span(),
    }
}

fn check_column(model: &Model, column: &Column) -> TokenStream {
    let Some(stored) = column_trait::stored_trait(model, column) else {
        return TokenStream::new();
    };
    match &column.role {
        Role::Claim(claim) => check_claim(column, claim, &stored),
        Role::Key if column.encoding != Encoding::Json => {
            let (ty, kind) = (field_type(column), kind_type(Kind::Text));
            let fitting = quote!(__private::ClaimField::<#ty, #kind>::column());
            check_source(column, &holds(column), &fitting, &stored)
        }
        Role::Key | Role::Generated | Role::App | Role::UpdatedAt | Role::Reference(_) => {
            let stored = match key_check(model, column) {
                Some((key, fitting)) => check_source(column, &key.into_token_stream(), &fitting, &stored),
                None => check_stored(column, &stored),
            };
            let (sql_type, reference) = (check_sql_type(model, column), check_reference(model, column));
            quote!(#stored #sql_type #reference)
        }
    }
}

/// Checks that the claim fits the type and, if so, that the type fits the column.
fn check_claim(column: &Column, claim: &ClaimColumn, stored: &TokenStream) -> TokenStream {
    let default = |ty: TokenStream, witness: TokenStream| {
        let default = default_trait_name(column);
        (claim.null == Null::Default && !column.is_prelude)
            .then(|| quote!(<#ty as #default>::check(#witness);))
    };
    if claim.with.is_some() {
        let stored = check_stored(column, stored);
        let default = default(type_at_field(column), witness(column));
        return quote!(#stored #default);
    }
    let field = claim_field(column, claim);
    let fitting = quote!(#field::column());
    let source = check_source(column, &holds(column), &fitting, stored);
    let default = default(inferred_at_field(column), fitting);
    quote!(#source #default)
}

/// Checks the type against its source, and a type that fits the source against the column. `fitting` is the witness of
/// such a type; for another type, it is a witness that fits everything.
fn check_source(
    column: &Column,
    source: &TokenStream,
    fitting: &TokenStream,
    stored: &TokenStream,
) -> TokenStream {
    let (ty, inferred, witness) = (type_at_field(column), inferred_at_field(column), witness(column));
    let Shared {
        check,
        witness: shared,
    } = Shared::new(column, fitting);
    quote! {
        <#ty as #source>::check(#witness);
        #check
        <#inferred as #stored>::check(#shared);
    }
}

/// Checks the type against the column alone.
fn check_stored(column: &Column, stored: &TokenStream) -> TokenStream {
    let ty = type_at_field(column);
    let Shared { check, witness } = Shared::new(column, &witness(column));
    quote!(#check <#ty as #stored>::check(#witness);)
}

/// Checks that the type has an SQL type, if `CREATE TABLE` needs it.
fn check_sql_type(model: &Model, column: &Column) -> Option<TokenStream> {
    let sql_type = column_trait::sql_type_trait(model, column)?;
    let ty = type_at_field(column);
    let witness = if column.is_prelude {
        witness(column)
    } else {
        // A type that cannot be read from one of the databases has been reported.
        let databases = model.databases.iter().map(|database| database_type(*database));
        let ty = field_type(column);
        quote!(__private::ColumnFields::<#ty, (#(#databases,)*)>::column())
    };
    Some(quote!(<#ty as #sql_type>::check(#witness);))
}

/// Checks that the type is the key type of the referenced row.
fn check_reference(model: &Model, column: &Column) -> Option<TokenStream> {
    let Role::Reference(referenced) = column.role else {
        return None;
    };
    let row = model.references.as_ref()?.of(referenced);
    let (ty, witness) = (type_at_field(column), witness(column));
    Some(quote!(<#ty as __private::KeyOf<#row>>::check(#witness);))
}

/// The check that requests can share a type. Types of the prelude can always be shared.
struct Shared {
    check: TokenStream,
    /// The witness for further checks.
    witness: TokenStream,
}

impl Shared {
    fn new(column: &Column, witness: &TokenStream) -> Self {
        if column.is_prelude {
            return Self {
                check: TokenStream::new(),
                witness: witness.clone(),
            };
        }
        let inferred = inferred_at_field(column);
        Self {
            check: quote!(<#inferred as __private::SharedField>::check(#witness);),
            witness: quote!(__private::Probe(#witness).shared()),
        }
    }
}
