//! The table definition. SQL types are resolved in the user's crate, where the Rust types are known.

use proc_macro2::TokenStream;
use quote::quote;

use super::access::{column_field, database_type, field_type, filled, held_kind, kind_type};
use crate::synced_row::model::{Column, Deletion, Encoding, Model, Role};
use crate::synced_row::parse::Database;
use crate::synced_row::references_sql;
use crate::synced_row::template::shortcode::Kind;

/// Generates the table's columns, each as a `ColumnDefinition`.
pub(crate) fn definitions(model: &Model, database: Database) -> Vec<TokenStream> {
    let defined = |name: &str, sql_type: &str, clauses: &[&str], inserted: bool| quote!(__clerk_auth::row::ColumnDefinition::new(#name, #sql_type, &[#(#clauses),*], #inserted));
    let columns = model
        .columns
        .iter()
        .map(|column| definition(model, column, database));
    // The application inserts rows before they are linked.
    let clauses: &[&str] = match model.link {
        Some(_) => &[" NOT NULL", " DEFAULT 0"],
        None => &[" NOT NULL"],
    };
    let version = defined(&model.version_column, "BIGINT", clauses, true);
    let deleted_at = match &model.deletion {
        Deletion::Mark(deleted_at) => Some(defined(deleted_at, database.timestamp(), &[], false)),
        Deletion::Remove(_) => None,
    };
    let key = model
        .references
        .iter()
        .map(|references| defined(&references.key.name, "TEXT", &[" NOT NULL", " UNIQUE"], true));
    columns.chain([version]).chain(deleted_at).chain(key).collect()
}

/// Returns `Clauses::<T, DB, K>` of a column in its own encoding.
fn clauses(column: &Column, db: &TokenStream) -> TokenStream {
    let ty = field_type(column);
    let text = kind_type(Kind::Text);
    let kind = match &column.role {
        Role::Claim(claim) => held_kind(claim),
        Role::Key => text,
        _ => quote!(__claim::Nullable<#text>),
    };
    quote!(__private::Clauses::<#ty, #db, #kind>)
}

/// Generates the function that returns sqlx's types of columns whose SQL types the runtime crate may not know. Columns
/// that sync does not write must have a known type; types of the prelude have one.
pub(crate) fn type_info(model: &Model, db: &TokenStream) -> Option<TokenStream> {
    let types: Vec<TokenStream> = model
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| {
            let is_written = matches!(column.role, Role::Key | Role::Claim(_));
            is_written && column.encoding == Encoding::Own && column.sql_type.is_none() && !column.is_prelude
        })
        .map(|(place, column)| {
            let (clauses, field) = (clauses(column, db), column_field(column, db));
            quote!(#place if !#clauses::IS_KNOWN => #field::type_info())
        })
        .collect();
    (!types.is_empty()).then(|| {
        quote! {
            fn type_info(
                __column: usize,
            ) -> ::core::option::Option<<#db as __private::sqlx::Database>::TypeInfo> {
                match __column {
                    #(#types,)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}

/// Looks up the column's Rust type in the runtime crate, by the writer of the column, under the column's own name.
fn definition(model: &Model, column: &Column, database: Database) -> TokenStream {
    let ty = field_type(column);
    let db = database_type(database);
    let of = match (column.encoding, &column.role) {
        (Encoding::Own, _) => clauses(column, &db),
        (Encoding::Json | Encoding::Text, Role::Claim(claim)) => {
            let kind = held_kind(claim);
            quote!(__private::Defined::<__private::Encoded<#kind>, #db>)
        }
        (Encoding::Json | Encoding::Text, _) => quote!(__private::JsonClauses::<#ty, #db>),
    };
    let name = &column.name;
    let sql_type = column.sql_type.iter();
    let role = match &column.role {
        Role::Generated if column.name == "id" => quote!(id),
        Role::Generated if column.is_link => quote!(linking_generated),
        Role::Generated | Role::UpdatedAt => quote!(generated),
        Role::App if column.is_link => quote!(linking_app),
        Role::App => quote!(app),
        Role::Key if model.link.is_some() => quote!(linked_key),
        Role::Key => quote!(key),
        Role::Reference(_) => quote!(app),
        Role::Claim(_) if column.is_link => quote!(linking_claim),
        Role::Claim(_) => quote!(claim),
    };
    // Sync finds the value in the other table when it inserts the row.
    let reference = match &column.role {
        Role::Reference(referenced) => {
            let clause = filled(model, &references_sql::clause(*referenced));
            Some(quote!(.with_reference(const { &[" NOT NULL", #clause] })))
        }
        _ => None,
    };
    quote!(#of::COLUMN.#role.named(#name) #(.with_sql_type(#sql_type))* #reference)
}
