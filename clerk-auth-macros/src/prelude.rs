//! Detects a crate with `#![no_implicit_prelude]`, where rustc cannot resolve the path of `#[diagnostic::…]`.
//!
//! A macro cannot query that attribute, so this module searches the struct's file and the roots of the package. If the
//! attribute is elsewhere, rustc reports the path. After a false match, errors about fields are less precise.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const ATTRIBUTE: &str = "#![no_implicit_prelude]";

/// Omits `#[diagnostic::…]` if the crate of a file has no prelude.
pub(crate) fn known_attributes(code: TokenStream, file: Option<PathBuf>) -> TokenStream {
    // Reading the files is cheaper than visiting every token.
    if is_off(file) {
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

/// Returns whether a group is `[diagnostic …]`.
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
                // Removes the `#` in front.
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
