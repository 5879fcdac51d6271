//! The table's definition, of which only the compiler of the user's crate knows the types' names.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use super::access::{database_type, field_type, held_kind, kind_type, private};
use super::model::{Column, Deletion, Encoding, Model, Role};
use super::parse::Database;
use super::shortcode::Kind;
use super::sql::{self, Ddl};

/// `CREATE_TABLE`: the text, put together while the user's crate compiles.
pub(super) fn create_table(model: &Model, database: Database) -> TokenStream {
    let private = private();
    let parts = sql::create_table(model, database)
        .into_iter()
        .flat_map(|part| match part {
            Ddl::Text(text) => vec![quote!(#text)],
            part => definition(&part, database),
        });
    quote! {{
        const __PARTS: &[&str] = &[#(#parts),*];
        const __BYTES: [u8; #private::length(__PARTS)] = #private::concat(__PARTS);
        #private::text(&__BYTES)
    }}
}

fn definition(part: &Ddl<'_>, database: Database) -> Vec<TokenStream> {
    match part {
        Ddl::Text(text) => vec![quote!(#text)],
        Ddl::Column(column) => sql_type(column, database, &["NOT_NULL"]),
        Ddl::PrimaryKey(column) => sql_type(column, database, &["PRIMARY_KEY"]),
        Ddl::Generated(column) => sql_type(column, database, &["NOT_NULL", "GENERATED"]),
        Ddl::App(column) => sql_type(column, database, &["NOT_NULL", "DEFAULT"]),
    }
}

/// Each column's name, and the pieces of its definition: the type first.
pub(super) fn definitions(model: &Model, database: Database) -> Vec<(&str, Vec<TokenStream>)> {
    let columns = model.columns.iter().map(|column| {
        let mut pieces = definition(&Ddl::of(column), database);
        if matches!(column.role, Role::Key) {
            pieces.push(quote!(" UNIQUE"));
        }
        (&*column.name, pieces)
    });
    let version = (
        &*model.version_column,
        vec![quote!("BIGINT"), quote!(" NOT NULL")],
    );
    let deleted_at = match &model.deletion {
        Deletion::Mark(deleted_at) => {
            let timestamp = database.timestamp();
            Some((&**deleted_at, vec![quote!(#timestamp)]))
        }
        Deletion::Remove(_) => None,
    };
    columns.chain([version]).chain(deleted_at).collect()
}

/// The type's name and the clauses that follow it.
fn sql_type(column: &Column, database: Database, clauses: &[&str]) -> Vec<TokenStream> {
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
    let clauses = clauses.iter().map(|clause| {
        let clause = format_ident!("{clause}");
        quote!(#of::#clause)
    });
    [name].into_iter().chain(clauses).collect()
}
