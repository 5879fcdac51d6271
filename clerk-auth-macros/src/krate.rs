//! The path of the runtime crate in generated code: `::clerk_auth`, or the path in `crate = …`.
//!
//! Generated code spells the path as one marker, which is replaced when the code is complete. So the user's own code is
//! never mistaken for the path.

use proc_macro2::{Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Path, PathArguments};

use crate::argument::{Argument, bare, separated};
use crate::diag::{Diagnostics, with_help};

/// The placeholder in generated code.
const MARKER: &str = "__clerk_auth";

/// The key of the argument.
pub(crate) const KEY: &str = "crate";

/// Returns the path that an attribute of this name gives, as far as the attribute can be read.
pub(crate) fn of_attributes(attributes: &[Attribute], name: &str) -> Option<Path> {
    let lists = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident(name) => Some(list.tokens.clone()),
        _ => None,
    });
    lists.into_iter().find_map(of_arguments)
}

/// Returns the path that the arguments give, as far as they can be read.
pub(crate) fn of_arguments(arguments: TokenStream) -> Option<Path> {
    let arguments = separated.parse2(arguments).ok()?;
    let mut keyed = arguments.iter();
    let argument = keyed.find(|argument| argument.key().is_some_and(|key| key == KEY))?;
    path(argument)
}

/// Returns the argument's path; anything else is reported.
pub(crate) fn checked(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Path> {
    let path = path(argument);
    if path.is_none() {
        let span = match argument {
            Argument::Value(_, value) => syn::spanned::Spanned::span(value),
            other => other.span(),
        };
        diagnostics.error_at(
            span,
            with_help(
                "`crate` expects the path of the crate clerk-auth",
                "for `clerk = { package = \"clerk-auth\", … }` in Cargo.toml, write `crate = \"clerk\"`",
            ),
        );
    }
    path
}

/// `path::to::it` or `"path::to::it"`.
fn path(argument: &Argument) -> Option<Path> {
    let Argument::Value(_, value) = argument else {
        return None;
    };
    let path = match bare(value) {
        Expr::Path(path) if path.qself.is_none() => path.path.clone(),
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => text.parse_with(Path::parse_mod_style).ok()?,
        _ => return None,
    };
    let is_plain = path
        .segments
        .iter()
        .all(|segment| matches!(segment.arguments, PathArguments::None));
    is_plain.then_some(path)
}

/// Puts the path in the place of each marker.
pub(crate) fn named(code: TokenStream, path: Option<&Path>) -> TokenStream {
    let path = path.map(ToTokens::to_token_stream);
    replaced(code, path.as_ref())
}

fn replaced(code: TokenStream, path: Option<&TokenStream>) -> TokenStream {
    let mut tokens = Vec::new();
    for token in code {
        match token {
            TokenTree::Ident(ident) if ident == MARKER => match path {
                // With the spans of the argument, so that an invalid path is one error there.
                Some(path) => tokens.extend(path.clone()),
                None => tokens.extend(default_path(ident.span())),
            },
            // Another group keeps its own tokens, spans and all.
            TokenTree::Group(group) if mentions(&group) => {
                let mut inner = Group::new(group.delimiter(), replaced(group.stream(), path));
                inner.set_span(group.span());
                tokens.push(inner.into());
            }
            other => tokens.push(other),
        }
    }
    tokens.into_iter().collect()
}

fn mentions(group: &Group) -> bool {
    group.stream().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == MARKER,
        TokenTree::Group(group) => mentions(&group),
        _ => false,
    })
}

/// `::clerk_auth`
fn default_path(span: Span) -> TokenStream {
    let mut colons = [Punct::new(':', Spacing::Joint), Punct::new(':', Spacing::Alone)];
    for colon in &mut colons {
        colon.set_span(span);
    }
    let [first, second] = colons;
    let name = Ident::new("clerk_auth", span);
    quote!(#first #second #name)
}
