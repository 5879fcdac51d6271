//! `#[derive(SyncedUser)]`: parse, check, expand.

mod access;
mod assertion;
mod case;
mod check;
mod column_trait;
mod comparison;
mod conversion;
mod definition;
mod expand;
mod expression;
mod fallback;
mod field;
mod field_attributes;
mod freshness;
mod json;
mod missing_claim;
mod model;
mod parse;
mod refused;
mod shortcode;
mod spelling;
mod sql;
mod statement_check;
mod statement_list;
mod template;
mod template_source;
mod unused_claims;

use proc_macro2::{Span, TokenStream};
use syn::DeriveInput;

use crate::diag::Diagnostics;
use crate::krate;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: syn::Result<DeriveInput> = syn::parse2(item);
    let mut diagnostics = Diagnostics::new();
    let input = match input {
        Ok(input) => input,
        Err(error) => {
            diagnostics.leave_to_rustc(error.span(), error);
            return diagnostics.finish();
        }
    };
    let (ident, generics) = (input.ident.clone(), input.generics.clone());
    let path = krate::of_attributes(&input.attrs, "synced_user");
    let krate = krate::tokens(path.as_ref(), Span::call_site());
    let Some(input) = parse::parse(input, &mut diagnostics) else {
        return [
            diagnostics.finish(),
            fallback::expand(&krate, &ident, &generics, None),
        ]
        .into_iter()
        .collect();
    };
    let checked = check::check(input, &mut diagnostics);
    let complete = checked.complete && diagnostics.count() == 0;
    let errors = diagnostics.finish();
    let implementation = if checked.holds_itself {
        TokenStream::new()
    } else if complete {
        expand::expand(&krate, &checked.model)
    } else {
        fallback::expand(&krate, &ident, &generics, Some(&checked.model))
    };
    [errors, implementation].into_iter().collect()
}

/// Parses a template and drops it, for tests of input that no struct can contain.
#[cfg(test)]
pub(crate) fn read_template(text: &str) {
    template::read(text, template::Leniency::default());
}
