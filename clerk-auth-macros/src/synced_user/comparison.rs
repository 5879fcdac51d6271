//! Compares the columns that claims feed: with the claims, and with another row.

use proc_macro2::TokenStream;
use quote::quote;

use super::access::{column_field, private};
use super::model::Column;

/// The functions of the trait that compare. `written` are the columns that sync writes.
pub(super) fn comparisons(written: &[&Column]) -> TokenStream {
    let private = private();
    let compared = |other: TokenStream| {
        written.iter().filter_map(move |column| {
            let claim = column.claim()?;
            let ident = &column.ident;
            let field = column_field(column, &quote!(()));
            let equal = quote!(#field::equal(&self.#ident, &#other.#ident));
            (!claim.insert_only).then_some((&column.name, equal))
        })
    };
    let held = compared(quote!(__claims)).map(|(_, equal)| equal);
    let agreed = compared(quote!(__other)).map(|(_, equal)| equal);
    let different = compared(quote!(__claims)).map(|(name, equal)| quote!((!#equal).then_some(#name)));
    quote! {
        #[allow(unused_variables)]
        fn holds(&self, __claims: &Self::Claims) -> bool {
            true #(&& #held)*
        }

        #[allow(unused_variables)]
        fn agrees(&self, __other: &Self) -> bool {
            true #(&& #agreed)*
        }

        #[allow(unused_variables)]
        fn differences(&self, __claims: &Self::Claims) -> ::std::vec::Vec<&'static str> {
            #private::listed(&[#(#different),*])
        }
    }
}
