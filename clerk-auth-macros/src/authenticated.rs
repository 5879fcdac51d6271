//! `#[authenticated]`: parse, check, expand.

mod check;
mod enclosing;
mod expand;
mod model;
mod name;
mod parse;
mod subject;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;

pub(crate) use enclosing::Place;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream, place: Option<&Place>) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let mut handler = match parse::parse(item, &mut diagnostics) {
        Ok(handler) => handler,
        Err(item) => return [diagnostics.finish(), item].into_iter().collect(),
    };
    check::only_once(&mut handler.attributes, &mut diagnostics);
    let model = check::check(arguments, &handler.signature, place, &mut diagnostics);
    let errors = diagnostics.finish();
    [errors, expand::expand(handler, &model, place)]
        .into_iter()
        .collect()
}
