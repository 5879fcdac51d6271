//! `#[authenticated]`: parse, check, expand.

mod check;
mod expand;
mod model;
mod name;
mod parse;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let Some(mut handler) = parse::parse(item.clone(), &mut diagnostics) else {
        return [diagnostics.finish(), item].into_iter().collect();
    };
    check::only_once(&mut handler.attributes, &mut diagnostics);
    let model = check::check(arguments, &handler.signature, &mut diagnostics);
    let errors = diagnostics.finish();
    [errors, expand::expand(handler, &model)].into_iter().collect()
}
