//! The traits whose messages name a field with an unsuitable column type.
//!
//! Each trait in the user's crate costs rustc about a millisecond. So a suitable type of the prelude is checked against
//! a trait of the runtime crate, whose message names only the type.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;

use super::access::held_kind;
use super::requirement::Requirement;
use crate::synced_row::check::spelling::{Feature, feature_of};
use crate::synced_row::model::{Column, Encoding, Model, Role};
use crate::synced_row::parse::Database;

/// Generates the traits for a column.
pub(crate) fn definitions(model: &Model, column: &Column) -> TokenStream {
    if column.is_prelude {
        return TokenStream::new();
    }
    let requirements = stored(model, column).into_iter().chain(sql_type(model, column));
    requirements
        .map(|requirement| requirement.define(feature_of(&column.ty).and_then(Feature::note)))
        .collect()
}

/// Returns the trait that the type of a column must implement to be stored.
pub(crate) fn stored_trait(model: &Model, column: &Column) -> Option<TokenStream> {
    stored(model, column).map(|requirement| path(requirement, column))
}

/// Returns the trait that the type of a column must implement for `CREATE TABLE`.
pub(crate) fn sql_type_trait(model: &Model, column: &Column) -> Option<TokenStream> {
    sql_type(model, column).map(|requirement| path(requirement, column))
}

fn path(requirement: Requirement, column: &Column) -> TokenStream {
    if column.is_prelude {
        requirement.bound
    } else {
        requirement.name.into_token_stream()
    }
}

/// Returns the databases, as in the name of a trait of the runtime crate and as in a message.
fn databases(model: &Model) -> Option<(&'static str, &'static str)> {
    match model.databases.as_slice() {
        [] => None,
        [Database::Postgres] => Some(("Postgres", "Postgres")),
        [Database::Sqlite] => Some(("Sqlite", "SQLite")),
        _ => Some(("PostgresAndSqlite", "Postgres and SQLite")),
    }
}

fn stored(model: &Model, column: &Column) -> Option<Requirement> {
    let (prefix, databases) = databases(model)?;
    let field = column.ident.unraw();
    let is_written = column.is_bound();
    let (bound, message, label, note) = match (column.encoding, &column.role) {
        (Encoding::Json, Role::Claim(_)) => (
            quote!(__private::JsonClaimColumn),
            "cannot be stored as JSON".to_owned(),
            "needs `serde::Serialize`, `serde::Deserialize`, and `PartialEq`".to_owned(),
            "`#[derive(PartialEq, serde::Serialize, serde::Deserialize)]`",
        ),
        (Encoding::Json, _) => (
            quote!(__private::JsonOwnColumn),
            "cannot be read from JSON".to_owned(),
            "needs `serde::Deserialize`".to_owned(),
            "`#[derive(serde::Deserialize)]`",
        ),
        (Encoding::Text, Role::Claim(claim)) => {
            let kind = held_kind(claim);
            (
                quote!(__private::TextClaimColumn<#kind>),
                "cannot be stored as text".to_owned(),
                "needs `Display`, `FromStr`, and `PartialEq`".to_owned(),
                "implement them, or store it as JSON with `#[column(json)]`",
            )
        }
        _ if is_written => {
            let name = format_ident!("{prefix}ClaimColumn");
            (
                quote!(__private::#name),
                format!("cannot be a column of {databases}"),
                format!("needs `sqlx::Type`, `Encode` and `Decode` for {databases}, and `PartialEq`"),
                "for a newtype: `#[derive(PartialEq, sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`",
            )
        }
        _ => {
            let name = format_ident!("{prefix}OwnColumn");
            (
                quote!(__private::#name),
                format!("cannot be read from a column of {databases}"),
                format!("needs `sqlx::Type` and `Decode` for {databases}"),
                "for a newtype: `#[derive(sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`",
            )
        }
    };
    Some(Requirement {
        name: format_ident!("__Column_{}", field, span = Span::mixed_site()),
        bound,
        message: format!("`{{Self}}` of the field `{field}` {message}"),
        label,
        note: note.to_owned(),
    })
}

fn sql_type(model: &Model, column: &Column) -> Option<Requirement> {
    let is_named = column.sql_type.is_some() || column.encoding == Encoding::Json;
    if is_named || matches!(column.role, Role::Key | Role::Claim(_)) {
        return None;
    }
    let (prefix, _) = databases(model)?;
    let field = column.ident.unraw();
    let name = format_ident!("{prefix}SqlType");
    Some(Requirement {
        name: format_ident!("__SqlType_{}", field, span = Span::mixed_site()),
        bound: quote!(__private::#name),
        message: format!("the SQL type of `{{Self}}` of the field `{field}` is not known"),
        label: "`CREATE TABLE` needs its SQL type".to_owned(),
        note: r#"name it: `#[column(sql_type = "…")]`"#.to_owned(),
    })
}
