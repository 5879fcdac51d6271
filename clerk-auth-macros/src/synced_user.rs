//! `#[derive(SyncedUser)]`: parse, check, expand.

mod access;
mod assertion;
mod check;
mod conversion;
mod definition;
mod expand;
mod expression;
mod fallback;
mod field;
mod freshness;
mod json;
mod model;
mod parse;
mod shortcode;
mod sql;
mod template;
mod template_source;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::diag::Diagnostics;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        // rustc has parsed the item before, so this is syn not knowing some new syntax.
        Err(error) => return error.to_compile_error(),
    };
    let mut diagnostics = Diagnostics::new();
    let (ident, generics) = (input.ident.clone(), input.generics.clone());
    let Some(input) = parse::parse(input, &mut diagnostics) else {
        return [diagnostics.finish(), fallback::expand(&ident, &generics, None)]
            .into_iter()
            .collect();
    };
    let checked = check::check(input, &mut diagnostics);
    let complete = checked.complete && diagnostics.count() == 0;
    let errors = diagnostics.finish();
    let implementation = if complete {
        expand::expand(&checked.model)
    } else {
        fallback::expand(&ident, &generics, Some(&checked.model))
    };
    [errors, implementation].into_iter().collect()
}

/// Reads a template and forgets it: for tests of what no struct can reach.
#[cfg(test)]
pub(crate) fn read_template(text: &str) {
    template::read(text, false);
}
