//! Copies the statements for `check = "sqlx"`: sqlx's own macro verifies them against the database or the prepared
//! `.sqlx` folder.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::statement_list::statement_list;
use crate::synced_row::model::Model;
use crate::synced_row::sql::Statements;

/// Generates a function that is never called, with a `query!` for each statement.
pub(crate) fn statement_check(model: &Model) -> Option<TokenStream> {
    let (at, database) = model.check?;
    let list = statement_list(model, database, &Statements::of(model, database));
    let queries = list.iter().map(|statement| {
        let sql = &statement.sql;
        // `as _` prevents sqlx from comparing Rust types, because only the fields' own impls can convert some types.
        let parameter = quote_spanned!(at=> ::core::option::Option::None::<i64> as _);
        let parameters = statement.parameters.iter().map(|_| &parameter);
        quote_spanned!(at=> let _ = ::sqlx::query!(#sql #(, #parameters)*);)
    });
    Some(quote! {
        #[allow(dead_code)]
        fn __check_statements() {
            #(#queries)*
        }
    })
}
