//! Replaces identifiers in code.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

/// Replaces each identifier for which `replacement` returns tokens. Returns `None` if nothing was replaced.
///
/// A group without a replacement keeps its own tokens, with all their spans.
pub(crate) fn replace_idents(
    code: TokenStream,
    replacement: &dyn Fn(&Ident) -> Option<TokenStream>,
) -> Option<TokenStream> {
    let mut is_changed = false;
    let mut tokens = Vec::new();
    for token in code {
        let replaced = match &token {
            TokenTree::Ident(ident) => replacement(ident),
            TokenTree::Group(group) => replace_idents(group.stream(), replacement).map(|inner| {
                let mut replaced = Group::new(group.delimiter(), inner);
                replaced.set_span(group.span());
                TokenTree::from(replaced).into()
            }),
            TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        };
        is_changed |= replaced.is_some();
        match replaced {
            Some(replaced) => tokens.extend(replaced),
            None => tokens.push(token),
        }
    }
    is_changed.then(|| tokens.into_iter().collect())
}
