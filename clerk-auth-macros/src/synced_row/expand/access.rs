//! Access of generated code to a field: through functions of the runtime crate that exist for every type.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Token, Type};

use crate::synced_row::model::{ClaimColumn, Column, Encoding, Model, References};
use crate::synced_row::parse::Database;
use crate::synced_row::template::shortcode::Kind;

pub(crate) fn database_type(database: Database) -> TokenStream {
    match database {
        Database::Postgres => quote!(__private::sqlx::Postgres),
        Database::Sqlite => quote!(__private::sqlx::Sqlite),
    }
}

pub(crate) fn kind_type(kind: Kind) -> TokenStream {
    let name = format_ident!("{}", format!("{kind:?}"));
    quote!(__claim::#name)
}

/// Returns the kind that the field's type must hold.
pub(crate) fn held_kind(claim: &ClaimColumn) -> TokenStream {
    let kind = kind_type(claim.kind);
    if claim.can_be_cleared() {
        quote!(__claim::Nullable<#kind>)
    } else {
        kind
    }
}

/// Returns the name of the field's type in generated code.
pub(crate) fn field_type(column: &Column) -> TokenStream {
    if column.is_prelude {
        column.ty.to_token_stream()
    } else {
        alias_name(column).to_token_stream()
    }
}

fn alias_name(column: &Column) -> Ident {
    // For an unknown name, rustc suggests a generic parameter after the name of the enclosing item.
    format_ident!("__Type_{}", column.ident, span = column.struct_at)
}

/// Declares an alias of the field's type. All other generated code names the alias.
///
/// rustc reports an unknown name at each occurrence, and merges errors with identical text. The text includes a help
/// about a missing generic parameter. rustc gives this help in a type alias and an `impl` for a name between angle
/// brackets. In a struct, and in an `impl` between angle brackets, rustc also gives the help for a single capital
/// letter.
pub(crate) fn alias(column: &Column) -> Option<TokenStream> {
    if column.is_prelude {
        return None;
    }
    let (ty, at) = (&column.ty, column.struct_at);
    let name = alias_name(column);
    if !mentions_a_letter(ty.to_token_stream()) {
        return Some(quote! {
            #[allow(dead_code, non_camel_case_types)]
            type #name = #ty;
        });
    }
    let holder = format_ident!("__Of_{}", column.ident, span = Span::mixed_site());
    let keyword = Token![impl](at);
    Some(quote! {
        #[allow(non_camel_case_types)]
        struct #holder;
        #keyword __private::Named for #holder {
            type Type = <::core::marker::PhantomData<#ty> as __private::Named>::Type;
        }
        #[allow(dead_code, non_camel_case_types)]
        type #name = <#holder as __private::Named>::Type;
    })
}

fn mentions_a_letter(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            let name = ident.to_string();
            name.chars().count() == 1 && name.chars().all(char::is_uppercase)
        }
        TokenTree::Group(group) => mentions_a_letter(group.stream()),
        _ => false,
    })
}

/// Returns `ColumnField::<T, DB>`, or the type for the column's other encodings.
pub(crate) fn column_field(column: &Column, database: &TokenStream) -> TokenStream {
    let ty = field_type(column);
    match (column.encoding, column.claim()) {
        (Encoding::Json, _) => quote!(__private::JsonColumn::<#ty, #database>),
        (Encoding::Text, Some(claim)) => {
            let kind = held_kind(claim);
            quote!(__private::TextColumn::<#ty, #kind, #database>)
        }
        (Encoding::Own | Encoding::Text, _) => quote!(__private::ColumnField::<#ty, #database>),
    }
}

/// Returns `ClaimField::<T, K>`, or the type for the claim's other conversions.
pub(crate) fn claim_field(column: &Column, claim: &ClaimColumn) -> TokenStream {
    let ty = field_type(column);
    let kind = held_kind(claim);
    match column.encoding {
        Encoding::Json => quote!(__private::JsonField::<#ty, #kind>),
        Encoding::Own | Encoding::Text if claim.parse => quote!(__private::ParsedField::<#ty, #kind>),
        Encoding::Own | Encoding::Text => quote!(__private::ClaimField::<#ty, #kind>),
    }
}

/// Declares aliases of a membership's user and organization. If one is not synced, rustc reports only the constant in
/// its type, and nothing that uses the alias.
pub(crate) fn joined(model: &Model) -> Option<TokenStream> {
    let references = model.references.as_ref()?;
    let [user, organization] = &references.named;
    let alias = |alias: &Type, ty: &Type, of: TokenStream| {
        let it = quote_spanned!(ty.span()=> _);
        quote! {
            type #alias = <(#ty, [(); {
                let _ = || <#it as __private::#of>::check(::core::marker::PhantomData::<#ty>);
                0
            }]) as __private::CheckedType>::It;
        }
    };
    let user = alias(&references.user, user, quote!(JoinedUser));
    let organization = alias(&references.organization, organization, quote!(JoinedOrganization));
    Some(quote!(#user #organization))
}

/// Returns a statement's text, with the names of the joined tables filled in.
pub(crate) fn filled(model: &Model, text: &str) -> TokenStream {
    match &model.references {
        Some(References {
            user, organization, ..
        }) => quote!(__clerk_auth::__filled!(#text, #user, #organization)),
        None => text.to_token_stream(),
    }
}

/// Returns a variable name for a field. It never collides with names in generated code, even for a field called
/// `reader`.
pub(crate) fn local(field: &Ident) -> Ident {
    format_ident!("__{}", field, span = Span::mixed_site())
}
