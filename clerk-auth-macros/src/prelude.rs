//! Code for a crate with `#![no_implicit_prelude]`, in which rustc does not know the path of `#[diagnostic::…]`.
//!
//! A macro is not told of that attribute, so it is looked for in the file of the struct and in the roots of the package. If
//! it stands elsewhere, rustc reports the path; if it is found by mistake, errors of fields are less to the point.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const ATTRIBUTE: &str = "#![no_implicit_prelude]";

/// Leaves out `#[diagnostic::…]` if the crate of a file is without the prelude.
pub(crate) fn known_attributes(code: TokenStream, file: Option<PathBuf>) -> TokenStream {
    if mentions_diagnostic(&code) && is_off(file) {
        without_diagnostic(code)
    } else {
        code
    }
}

fn is_off(file: Option<PathBuf>) -> bool {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    let roots = package
        .iter()
        .flat_map(|package| ["src/lib.rs", "src/main.rs"].map(|root| Path::new(package).join(root)));
    file.into_iter()
        .chain(roots)
        .filter_map(|file| fs::read_to_string(file).ok())
        .any(|text| text.contains(ATTRIBUTE))
}

fn mentions_diagnostic(code: &TokenStream) -> bool {
    code.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => is_diagnostic(&group) || mentions_diagnostic(&group.stream()),
        _ => false,
    })
}

/// `[diagnostic …]`
fn is_diagnostic(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(ident)) if ident == "diagnostic")
}

fn without_diagnostic(code: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = Vec::new();
    for token in code {
        match token {
            TokenTree::Group(group) if is_diagnostic(&group) => {
                // Its `#`.
                tokens.pop();
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_diagnostic(group.stream()));
                inner.set_span(group.span());
                tokens.push(inner.into());
            }
            other => tokens.push(other),
        }
    }
    tokens.into_iter().collect()
}
