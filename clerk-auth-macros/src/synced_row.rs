//! The derives of rows, `#[derive(SyncedUser)]` and its siblings: parse, check, expand.

mod check;
mod expand;
mod kind;
mod link_sql;
mod model;
mod parse;
mod references_sql;
mod sql;
mod sql_parts;
mod template;
mod upsert_sql;

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use self::kind::RowKind;
use crate::diag::Diagnostics;
use crate::krate;

pub(crate) fn expand(kind: RowKind, item: TokenStream) -> TokenStream {
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
    let path = krate::of_attributes(&input.attrs, kind.attribute());
    let import = krate::import(path.as_ref());
    let Some(input) = parse::parse(kind, input, &mut diagnostics) else {
        return [
            diagnostics.finish(),
            expand::inert::expand(kind, &import, &ident, &generics, None),
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
        expand::expand(&import, &checked.model)
    } else {
        expand::inert::expand(kind, &import, &ident, &generics, Some(&checked.model))
    };
    [errors, implementation].into_iter().collect()
}

/// Parses a template and drops it, for tests of input that no struct can contain.
#[cfg(test)]
pub(crate) fn read_template(text: &str) {
    template::document::read(text, template::document::Leniency::default());
}
