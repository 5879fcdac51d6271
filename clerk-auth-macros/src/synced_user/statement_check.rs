//! The statements once more, for `check = "sqlx"`: sqlx's own macro has the database or the prepared `.sqlx` folder verify
//! them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::model::Model;
use super::sql::Statements;

/// A function that nobody calls, with a `query!` for each statement.
pub(super) fn statement_check(model: &Model) -> Option<TokenStream> {
    let (at, database) = model.check?;
    let statements = Statements::of(model, database);
    let inserted = model.written().count() + 1;
    let upserted = inserted + usize::from(model.announces(database));
    let queries = [
        (statements.select, 1),
        (statements.select_many, 1),
        (statements.select_ids, 2),
        (statements.upsert, upserted),
        (statements.insert, inserted),
        (
            statements.upsert_many.of_two(database),
            2 * statements.upsert_many.parameters,
        ),
        (statements.raise_version, 2),
        (statements.raise_version_many, 1),
        (statements.tombstone, 1),
    ]
    .into_iter()
    .chain(statements.select_or_insert.map(|sql| (sql, inserted)))
    .chain(
        statements
            .tombstones
            .into_iter()
            .flat_map(|it| [(it.select, 1), (it.delete, 1)]),
    )
    .map(|(sql, parameters)| {
        // `as _` keeps sqlx from comparing Rust types: fields may be of types that only their own impls know.
        let parameter = quote_spanned!(at=> ::core::option::Option::None::<i64> as _);
        let parameters = (0..parameters).map(|_| &parameter);
        quote_spanned!(at=> let _ = ::sqlx::query!(#sql #(, #parameters)*);)
    });
    Some(quote! {
        #[allow(dead_code)]
        fn __check_statements() {
            #(#queries)*
        }
    })
}
