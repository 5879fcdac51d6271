//! The table's definition, of which only the compiler of the user's crate knows the types' names.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use super::access::{database_type, field_type, held_kind, kind_type, private};
use super::model::{Column, Deletion, Encoding, Model, Role};
use super::parse::Database;
use super::shortcode::Kind;

/// Each column's name, the pieces of its definition, the type first, and whether sync inserts its value.
pub(super) fn definitions(model: &Model, database: Database) -> Vec<(&str, Vec<TokenStream>, bool)> {
    let columns = model.columns.iter().map(|column| {
        let mut pieces = sql_type(column, database);
        if matches!(column.role, Role::Key) {
            pieces.push(quote!(" UNIQUE"));
        }
        let inserted = matches!(column.role, Role::Key | Role::Claim(_));
        (&*column.name, pieces, inserted)
    });
    let version = (
        &*model.version_column,
        vec![quote!("BIGINT"), quote!(" NOT NULL")],
        true,
    );
    let deleted_at = match &model.deletion {
        Deletion::Mark(deleted_at) => {
            let timestamp = database.timestamp();
            Some((&**deleted_at, vec![quote!(#timestamp)], false))
        }
        Deletion::Remove(_) => None,
    };
    columns.chain([version]).chain(deleted_at).collect()
}

/// What the runtime crate knows of a column's Rust type: `NOT NULL` where it holds no null, and more where sync does not
/// write the column and has to be able to insert a row.
fn clauses(column: &Column) -> &'static [&'static str] {
    match &column.role {
        Role::Generated if column.name == "id" => &["PRIMARY_KEY"],
        Role::Generated | Role::UpdatedAt => &["NOT_NULL", "GENERATED"],
        Role::App => &["NOT_NULL", "DEFAULT"],
        Role::Key | Role::Claim(_) => &["NOT_NULL"],
    }
}

/// The type's name and the clauses that follow it.
fn sql_type(column: &Column, database: Database) -> Vec<TokenStream> {
    let private = private();
    let ty = field_type(column);
    let db = database_type(database);
    let text = kind_type(Kind::Text);
    let (name, of) = match (column.encoding, &column.role) {
        (Encoding::Own, role) => {
            let kind = match role {
                Role::Claim(claim) => held_kind(claim),
                Role::Key => text,
                _ => quote!(::clerk_auth::claim::Nullable<#text>),
            };
            let of = quote!(#private::Clauses::<#ty, #db, #kind>);
            (quote!(#of::NAME), of)
        }
        (Encoding::Json | Encoding::Text, Role::Claim(claim)) => {
            let kind = held_kind(claim);
            let of = quote!(#private::Clauses::<#private::Encoded, #db, #kind>);
            (quote!(#of::NAME), of)
        }
        (Encoding::Json | Encoding::Text, _) => {
            let object = kind_type(Kind::Object);
            (
                quote!(#private::Clauses::<#private::Encoded, #db, #object>::NAME),
                quote!(#private::JsonClauses::<#ty>),
            )
        }
    };
    let name = match &column.sql_type {
        Some(name) => name.to_token_stream(),
        None => name,
    };
    let clauses = clauses(column).iter().map(|clause| {
        let clause = format_ident!("{clause}");
        quote!(#of::#clause)
    });
    [name].into_iter().chain(clauses).collect()
}
