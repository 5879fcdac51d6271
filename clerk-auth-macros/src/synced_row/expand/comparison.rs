//! Compares the columns that claims feed: with the claims, and with another row.

use proc_macro2::TokenStream;
use quote::quote;

use super::access::column_field;
use crate::synced_row::model::Column;

/// Generates the trait's comparison function. `written` are the columns that sync writes.
pub(crate) fn comparison(written: &[&Column]) -> TokenStream {
    let kept = |column: &&&Column| column.claim().is_some_and(|claim| !claim.insert_only);
    let columns = written.iter().filter(kept).map(|column| {
        let (ident, name) = (&column.ident, &column.name);
        let field = column_field(column, &quote!(()));
        quote!((#name, #field::equal(&self.#ident, &__other.#ident)))
    });
    let columns: TokenStream = quote!(&[#(#columns),*]);
    quote! {
        #[allow(unused_variables)]
        fn compare<__R>(
            &self,
            __with: __clerk_auth::row::Compared<'_, Self>,
            __read: fn(&[(&'static str, bool)]) -> __R,
        ) -> __R {
            match __with {
                __clerk_auth::row::Compared::Claims(__other) => __read(#columns),
                __clerk_auth::row::Compared::Row(__other) => __read(#columns),
            }
        }
    }
}
