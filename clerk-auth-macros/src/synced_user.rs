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

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::diag::Diagnostics;
use crate::krate;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: syn::Result<DeriveInput> = syn::parse2(item);
    let path = input
        .as_ref()
        .ok()
        .and_then(|input| krate::of_attributes(&input.attrs, "synced_user"));
    krate::named(implement(input), path.as_ref())
}

fn implement(input: syn::Result<DeriveInput>) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let input = match input {
        Ok(input) => input,
        Err(error) => {
            diagnostics.leave_to_rustc(error.span(), error);
            return diagnostics.finish();
        }
    };
    let (ident, generics) = (input.ident.clone(), input.generics.clone());
    let Some(input) = parse::parse(input, &mut diagnostics) else {
        return [diagnostics.finish(), fallback::expand(&ident, &generics, None)]
            .into_iter()
            .collect();
    };
    let checked = check::check(input, &mut diagnostics);
    let complete = checked.complete && diagnostics.count() == 0;
    let errors = diagnostics.finish();
    let implementation = if checked.holds_itself {
        TokenStream::new()
    } else if complete {
        expand::expand(&checked.model)
    } else {
        fallback::expand(&ident, &generics, Some(&checked.model))
    };
    [errors, implementation].into_iter().collect()
}

/// Parses a template and drops it, for tests of input that no struct can contain.
#[cfg(test)]
pub(crate) fn read_template(text: &str) {
    template::read(text, template::Leniency::default());
}
