//! Determines the meaning of the first parameter: the user, in one of several forms, or something else.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, Pat, PathArguments, Signature, Type};

use super::model::Subject;
use crate::diag::{Diagnostics, with_help};

/// axum supports functions of up to 16 parameters as handlers.
const MAX_PARAMETERS: usize = 16;

/// axum's own extractors. If a handler begins with one of these, it takes no user, and a guard is put in front. Any
/// other type is treated as the user, and rustc checks the type.
const EXTRACTORS: [&str; 27] = [
    "Body",
    "Bytes",
    "ConnectInfo",
    "Extension",
    "Extensions",
    "Form",
    "HeaderMap",
    "Host",
    "Json",
    "MatchedPath",
    "Method",
    "Multipart",
    "NestedPath",
    "OriginalUri",
    "Parts",
    "Path",
    "Query",
    "RawForm",
    "RawPathParams",
    "RawQuery",
    "Request",
    "State",
    "String",
    "TypedHeader",
    "Uri",
    "Version",
    "WebSocketUpgrade",
];

/// Determines the meaning of the first parameter, and reports a user among the later parameters.
pub(super) fn subject(signature: &Signature, diagnostics: &mut Diagnostics) -> Subject {
    let mut parameters = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                diagnostics.error(
                    receiver.self_token,
                    with_help(
                        "a method cannot be a handler: a router has no `self` to call it on",
                        "make it a free function, and put what it needs into the state",
                    ),
                );
                return Subject::Receiver;
            }
            FnArg::Typed(typed) => parameters.push(typed),
        }
    }
    let first = parameters.first().filter(|first| !is_extractor(&first.ty));
    let guard = usize::from(first.is_none());
    if parameters.len() + guard > MAX_PARAMETERS {
        let beyond = parameters.get(MAX_PARAMETERS - guard);
        let span = beyond.map_or_else(Span::call_site, |parameter| parameter.pat.span());
        let counted = if guard == 1 { " with the guard" } else { "" };
        diagnostics.error_at(
            span,
            with_help(
                format!(
                    "a handler has at most {MAX_PARAMETERS} parameters, and this one has {}{counted}",
                    parameters.len() + guard
                ),
                "gather some of them into a struct that derives `FromRequestParts`",
            ),
        );
    }
    for later in parameters.iter().skip(1) {
        let Some(name) = user_like(&later.ty) else {
            continue;
        };
        if first.is_none() {
            diagnostics.error(
                &later.ty,
                with_help(
                    "the user comes first, so that nothing reads the request before it is authenticated",
                    format!("make `{}: {name}` the first parameter", pattern(&later.pat)),
                ),
            );
        } else if name != "Session" {
            diagnostics.error(
                &later.ty,
                with_help(
                    "a request has one user",
                    "remove one of the two; for the claims, take `Session`",
                ),
            );
        }
    }
    let Some(first) = first else {
        return Subject::Nobody;
    };
    if is_value(&first.ty) {
        Subject::Parameter(first.ty.clone())
    } else {
        Subject::Refused(crate::diag::in_place(
            &first.ty,
            with_help(
                "the signed-in user needs one concrete type",
                format!(
                    "name the struct that derives `SyncedUser`: `{}: User`",
                    pattern(&first.pat)
                ),
            ),
        ))
    }
}

/// Returns whether a type can have values, so that an assertion about it is meaningful.
pub(super) fn is_value(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_value(&group.elem),
        Type::Paren(paren) => is_value(&paren.elem),
        Type::ImplTrait(_) | Type::Never(_) | Type::Slice(_) | Type::TraitObject(_) => false,
        Type::Path(path) if path.path.is_ident("str") => false,
        ty => !mentions(ty, |word, is_lifetime| word == "_" && !is_lifetime),
    }
}

/// Returns the word of a type to underline in an error, because stable Rust cannot join spans.
pub(super) fn word(ty: &Type) -> Span {
    match ty {
        Type::Path(_) | Type::Group(_) => {
            last_segment(ty).map_or_else(|| ty.span(), |last| last.ident.span())
        }
        Type::Paren(paren) => word(&paren.elem),
        Type::Reference(reference) => word(&reference.elem),
        Type::Macro(invocation) => invocation.mac.path.span(),
        _ => ty.span(),
    }
}

/// Returns whether a type contains `impl`, so that other code cannot name it.
pub(super) fn mentions_impl(ty: &Type) -> bool {
    mentions(ty, |word, is_lifetime| word == "impl" && !is_lifetime)
}

/// Returns whether a type contains the word `Self`, which is invalid in an item inside the handler.
pub(super) fn mentions_self(ty: &Type) -> bool {
    mentions(ty, |word, is_lifetime| word == "Self" && !is_lifetime)
}

/// Returns whether a type contains a named lifetime.
pub(super) fn mentions_lifetime(ty: &Type) -> bool {
    mentions(ty, |word, is_lifetime| {
        is_lifetime && word != "static" && word != "_"
    })
}

/// Returns whether a type contains a matching word. The predicate receives the word, and whether the word names a
/// lifetime.
fn mentions(ty: &Type, is_sought: fn(&Ident, bool) -> bool) -> bool {
    fn any(tokens: TokenStream, is_sought: fn(&Ident, bool) -> bool) -> bool {
        let mut is_lifetime = false;
        tokens.into_iter().any(|token| {
            let was_lifetime = std::mem::take(&mut is_lifetime);
            match token {
                TokenTree::Ident(ident) => is_sought(&ident, was_lifetime),
                TokenTree::Punct(punct) => {
                    is_lifetime = punct.as_char() == '\'';
                    false
                }
                TokenTree::Group(group) => any(group.stream(), is_sought),
                TokenTree::Literal(_) => false,
            }
        })
    }
    any(ty.to_token_stream(), is_sought)
}

fn pattern(pattern: &Pat) -> String {
    match pattern {
        Pat::Ident(ident) => ident.ident.to_string(),
        _ => "user".to_owned(),
    }
}

pub(super) fn is_user_by_name(ty: &Type) -> bool {
    user_like(ty).is_some()
}

pub(super) fn is_extractor(ty: &Type) -> bool {
    let Some(segment) = last_segment(ty) else {
        return false;
    };
    if ["Option", "Result"]
        .iter()
        .any(|wrapper| segment.ident == wrapper)
    {
        return first_argument(ty).is_some_and(is_extractor);
    }
    EXTRACTORS.iter().any(|extractor| segment.ident == extractor)
}

/// Returns the type's name, if it is a usual name of a user type. rustc recognizes other users by their types.
fn user_like(ty: &Type) -> Option<String> {
    let segment = last_segment(ty)?;
    let name = segment.ident.to_string();
    let wrapped = || {
        first_argument(ty)
            .and_then(last_segment)
            .map(|inner| inner.ident.to_string())
    };
    match name.as_str() {
        "Session" | "User" => Some(name),
        "Synced" | "MaybeSynced" | "Arc" | "Option" => wrapped()
            .filter(|inner| inner == "User" || name == "Option" && inner == "Session")
            .map(|inner| format!("{name}<{inner}>")),
        _ => None,
    }
}

/// Returns the application's state if a parameter has the form of axum's documentation. Any other `State<_>` may take a
/// part of the state.
pub(super) fn inferred_state(signature: &Signature) -> Option<Type> {
    signature.inputs.iter().find_map(|input| {
        let FnArg::Typed(typed) = input else {
            return None;
        };
        last_segment(&typed.ty).filter(|segment| segment.ident == "State")?;
        let state = first_argument(&typed.ty)?;
        (last_segment(state)?.ident == "AppState").then(|| state.clone())
    })
}

pub(super) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        // A `macro_rules!` macro passes a type on in invisible parentheses.
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

pub(super) fn first_argument(ty: &Type) -> Option<&Type> {
    arguments(ty).next()
}

/// Returns the types between the angle brackets at the end of a path.
pub(super) fn arguments(ty: &Type) -> impl Iterator<Item = &Type> {
    let arguments = match last_segment(ty).map(|segment| &segment.arguments) {
        Some(PathArguments::AngleBracketed(arguments)) => Some(&arguments.args),
        _ => None,
    };
    arguments
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
}
