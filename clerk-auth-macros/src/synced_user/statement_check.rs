//! The statements once more, for `check = "sqlx"`: sqlx's own macro has the database or the prepared `.sqlx` folder verify
//! them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::model::Model;
use super::sql::Statements;

/// A function that nobody calls, with a `query!` for each statement.
pub(super) fn statement_check(model: &Model) -> Option<TokenStream> {
    let (at, database) = model.check?;
    let Statements {
        select,
        select_many,
        select_ids,
        upsert,
        insert,
        select_or_insert,
        upsert_many,
        raise_version,
        raise_version_many,
        tombstone,
        tombstones,
        ..
    } = Statements::of(model, database);
    let inserted = model.written().count() + 1;
    let upserted = inserted + usize::from(model.announces(database));
    let queries = [
        (select, 1),
        (select_many, 1),
        (select_ids, 2),
        (upsert, upserted),
        (insert, inserted),
        (upsert_many.of_two(database), 2 * upsert_many.parameters),
        (raise_version, 2),
        (raise_version_many, 1),
        (tombstone, 1),
    ]
    .into_iter()
    .chain(select_or_insert.map(|sql| (sql, inserted)))
    .chain(
        tombstones
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
