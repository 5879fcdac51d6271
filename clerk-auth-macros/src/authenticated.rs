//! `#[authenticated]`: parse, check, expand.

mod check;
mod expand;
mod model;
mod parse;
mod subject;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;
use crate::krate;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let path = krate::of_arguments(arguments.clone());
    krate::named(guard(arguments, item), path.as_ref())
}

fn guard(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let mut handler = match parse::parse(item, &mut diagnostics) {
        Ok(handler) => handler,
        // An item of another kind, which may be in an `impl`.
        Err(item) => return [diagnostics.finish_anywhere(), item].into_iter().collect(),
    };
    check::only_once(&mut handler.attributes, &mut diagnostics);
    let model = check::check(
        arguments,
        &mut handler.attributes,
        &handler.signature,
        &mut diagnostics,
    );
    expand::expand(handler, &model, diagnostics.finish())
}
