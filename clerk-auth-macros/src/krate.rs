//! The path of the runtime crate in generated code: `::clerk_auth`, or the path in `crate = …`.
//!
//! Generated code contains a marker for this path. The derive imports the crate under the marker's name in a scope of
//! its own. A handler has no such scope, so the attribute replaces the marker in the complete code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Path, PathArguments};

use crate::argument::{Argument, bare, separated};
use crate::diag::{Diagnostics, with_help};
use crate::replace::replace_idents;

/// The name of the crate in generated code.
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

/// Returns the argument's path, or reports an error.
pub(crate) fn checked(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Path> {
    let path = path(argument);
    if path.is_none() {
        let span = match argument {
            Argument::Value(_, value) => value.span(),
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

/// Parses `path::to::it` or `"path::to::it"`.
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

/// Imports the crate under the name of the marker, at the span of the argument. A wrong path is one error there,
/// because rustc does not report names of a failed import.
pub(crate) fn import(path: Option<&Path>) -> TokenStream {
    let here = Span::call_site();
    let at = path.map_or(here, |path| here.located_at(path.span()));
    let (path, marker) = (tokens(path, here), Ident::new(MARKER, at));
    quote_spanned!(at=> use #path as #marker;)
}

/// Returns the path of the runtime crate: that of the argument with its spans, or the default.
fn tokens(path: Option<&Path>, span: Span) -> TokenStream {
    path.map_or_else(|| quote_spanned!(span=> ::clerk_auth), ToTokens::to_token_stream)
}

/// Replaces each marker by the path.
pub(crate) fn named(code: TokenStream, path: Option<&Path>) -> TokenStream {
    let replaced = replace_idents(code.clone(), &|ident| {
        (ident == MARKER).then(|| tokens(path, ident.span()))
    });
    replaced.unwrap_or(code)
}
