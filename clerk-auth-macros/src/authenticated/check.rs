//! From what was written to what it means; every rule that the macro alone can see is here.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, FnArg, GenericArgument, LitStr, Pat, PathArguments, Signature, Type};

use super::model::{Model, Policy, Requirement};
use super::name;
use crate::argument::{self, Argument, Slot};
use crate::diag::{Diagnostics, with_help};
use crate::suggest;

/// The arguments; those before the last two may also stand inside `any(…)` and `all(…)`.
const KNOWN: [&str; 10] = [
    "role",
    "permission",
    "feature",
    "plan",
    "reverification",
    "impersonation",
    "any",
    "all",
    "policy",
    "state",
];

const LEVELS: [(&str, &str); 4] = [
    ("strict_mfa", "StrictMfa"),
    ("strict", "Strict"),
    ("moderate", "Moderate"),
    ("lax", "Lax"),
];

/// axum implements its handlers for functions of up to 16 parameters.
const MOST_PARAMETERS: usize = 16;

/// axum's own extractors: a handler that begins with one takes no user, and gets a guard in front of it. A type that is
/// not listed is taken for the user, and rustc says whether it is one.
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

pub(super) fn check(arguments: TokenStream, signature: &Signature, diagnostics: &mut Diagnostics) -> Model {
    let mut read = Arguments::default();
    match syn::parse::Parser::parse2(argument::separated, arguments) {
        Ok(arguments) => read.read(arguments, diagnostics),
        Err(error) => diagnostics.push(error),
    }
    check_function(signature, diagnostics);
    let subject = subject(signature, diagnostics);
    let state = read.state.get().cloned().or_else(|| inferred_state(signature));
    let optional = subject
        .as_ref()
        .and_then(last_segment)
        .filter(|segment| segment.ident == "Option");
    if let (Some(option), true) = (optional, read.requires_something()) {
        diagnostics.error(
            &option.ident,
            with_help(
                "a visitor who is not signed in meets no requirement",
                "take the user without `Option`, or remove the requirement",
            ),
        );
    }
    Model {
        policy: read.policy(diagnostics),
        state,
        subject,
    }
}

#[derive(Default)]
struct Arguments {
    requirements: Vec<Requirement>,
    given: Vec<String>,
    policy: Slot<Type>,
    state: Slot<Type>,
}

impl Arguments {
    fn read(&mut self, arguments: Vec<Argument>, diagnostics: &mut Diagnostics) {
        for argument in arguments {
            match &argument {
                Argument::Type(key, ty) if key == "policy" => {
                    self.policy.set(key, Some(ty.clone()), diagnostics);
                }
                Argument::Type(key, ty) => self.state.set(key, Some(ty.clone()), diagnostics),
                Argument::Word(key) | Argument::Value(key, _) | Argument::List(key, _) if key == "policy" => {
                    diagnostics.error(
                        key,
                        with_help("`policy` names a type", "write `policy = path::to::Policy`"),
                    );
                }
                Argument::Word(key) | Argument::Value(key, _) | Argument::List(key, _) if key == "state" => {
                    diagnostics.error(key, with_help("`state` names a type", "write `state = AppState`"));
                }
                _ => {
                    if let Some(key) = argument.key() {
                        let word = key.to_string();
                        if self.given.contains(&word) && word != "any" && word != "all" {
                            diagnostics.error(
                                key,
                                with_help(
                                    format!("`{word}` is given twice"),
                                    format!("to ask for both, write `all({word} = …, {word} = …)`"),
                                ),
                            );
                            continue;
                        }
                        self.given.push(word);
                    }
                    self.requirements
                        .extend(requirement(&argument, &KNOWN, diagnostics));
                }
            }
        }
    }

    fn requires_something(&self) -> bool {
        !self.requirements.is_empty() || self.policy.is_set()
    }

    fn policy(mut self, diagnostics: &mut Diagnostics) -> Policy {
        if let Some(policy) = self.policy.get() {
            if !self.requirements.is_empty() {
                diagnostics.error(
                    policy,
                    with_help(
                        "a policy stands alone: whether it or the other requirements decide would not be clear",
                        "put the other requirements into the policy",
                    ),
                );
            }
            return Policy::Type(policy.clone());
        }
        match self.requirements.len() {
            0 => Policy::SignedIn,
            1 => Policy::Requirement(self.requirements.remove(0)),
            _ => Policy::Requirement(Requirement::All(self.requirements)),
        }
    }
}

fn requirement(argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) -> Option<Requirement> {
    let Some(key) = argument.key() else {
        diagnostics.error_at(
            argument.span(),
            with_help("a text alone says nothing", r#"write `role = "org:admin"`"#),
        );
        return None;
    };
    let word = key.to_string();
    match (word.as_str(), argument) {
        ("any" | "all", Argument::List(_, nested)) => {
            let requirements: Vec<Requirement> = nested
                .iter()
                .filter_map(|nested| requirement(nested, &KNOWN[..8], diagnostics))
                .collect();
            if nested.is_empty() {
                diagnostics.error(
                    key,
                    with_help(
                        format!("`{word}` of nothing lets nobody through"),
                        format!(r#"write `{word}(role = "org:admin", permission = "org:billing:manage")`"#),
                    ),
                );
                return None;
            }
            Some(if word == "any" {
                Requirement::Any(requirements)
            } else {
                Requirement::All(requirements)
            })
        }
        ("any" | "all", _) => {
            diagnostics.error(
                key,
                with_help(
                    format!("`{word}` takes requirements in parentheses"),
                    format!(r#"write `{word}(role = "org:admin", permission = "org:billing:manage")`"#),
                ),
            );
            None
        }
        ("role", _) => value(argument, r#"role = "org:admin""#, name::role, diagnostics)
            .map(|value| Requirement::Of("Role", value)),
        ("permission", _) => value(
            argument,
            r#"permission = "org:billing:manage""#,
            name::permission,
            diagnostics,
        )
        .map(|value| Requirement::Of("Permission", value)),
        ("feature", _) => value(argument, r#"feature = "reports""#, name::scoped, diagnostics)
            .map(|value| Requirement::Of("Feature", value)),
        ("plan", _) => value(argument, r#"plan = "pro""#, name::scoped, diagnostics)
            .map(|value| Requirement::Of("Plan", value)),
        ("reverification", _) => reverification(argument, diagnostics),
        ("impersonation", _) => {
            let text = argument::text(argument, r#"impersonation = "deny""#, diagnostics)?;
            if text.value() != "deny" {
                diagnostics.error(
                    &text,
                    with_help(
                        "impersonation is allowed unless it is denied",
                        r#"write `impersonation = "deny"`, or remove it"#,
                    ),
                );
                return None;
            }
            Some(Requirement::ImpersonationDenied)
        }
        _ => {
            argument::unknown(argument, "authenticated", known, diagnostics);
            None
        }
    }
}

/// A text that passes `check`, or the path of a constant, which is the team's own responsibility.
fn value(
    argument: &Argument,
    form: &str,
    check: fn(&LitStr) -> Option<String>,
    diagnostics: &mut Diagnostics,
) -> Option<TokenStream> {
    if let Argument::Value(_, value) = argument
        && let Expr::Path(constant) = argument::bare(value)
    {
        return Some(constant.to_token_stream());
    }
    if let Argument::Value(key, Expr::Array(list)) = argument {
        diagnostics.error(
            list,
            with_help(
                format!("`{key}` asks for one"),
                format!(r#"for one of several, write `any({form}, {key} = "…")`"#),
            ),
        );
        return None;
    }
    let text = argument::text(argument, form, diagnostics)?;
    if let Some(message) = check(&text) {
        diagnostics.error(&text, message);
        return None;
    }
    Some(text.to_token_stream())
}

fn reverification(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Requirement> {
    let text = argument::text(argument, r#"reverification = "strict""#, diagnostics)?;
    let word = text.value();
    if let Some((_, variant)) = LEVELS.iter().find(|(level, _)| *level == word) {
        return Some(Requirement::Reverification(variant));
    }
    let levels = LEVELS.map(|(level, _)| level);
    let help = match suggest::nearest(&word, levels) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the levels are {}", argument::list(&levels)),
    };
    diagnostics.error(
        &text,
        with_help(format!("`{word}` is not a reverification level"), help),
    );
    None
}

/// The attribute that stands first sees the others; what they ask for would be lost.
pub(super) fn only_once(attributes: &mut Vec<Attribute>, diagnostics: &mut Diagnostics) {
    attributes.retain(|attribute| {
        let is_second = attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "authenticated");
        if is_second {
            diagnostics.error(
                attribute.path(),
                with_help(
                    "`#[authenticated]` stands on this handler twice",
                    r#"write all arguments into one: `#[authenticated(role = "org:admin", feature = "reports")]`"#,
                ),
            );
        }
        !is_second
    });
}

fn check_function(signature: &Signature, diagnostics: &mut Diagnostics) {
    if signature.asyncness.is_none() {
        diagnostics.error(
            signature.fn_token,
            with_help(
                "a handler is asynchronous",
                format!("write `async fn {}`", signature.ident),
            ),
        );
    }
    if !signature.generics.params.is_empty() {
        diagnostics.error(
            &signature.generics.params,
            with_help(
                "a guarded handler takes no generic parameters: its policy is one type",
                "name the concrete types, and leave lifetimes to elision",
            ),
        );
    }
}

fn subject(signature: &Signature, diagnostics: &mut Diagnostics) -> Option<Type> {
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
                return None;
            }
            FnArg::Typed(typed) => parameters.push(typed),
        }
    }
    let first = parameters.first().filter(|first| !is_extractor(&first.ty));
    let guard = usize::from(first.is_none());
    if parameters.len() + guard > MOST_PARAMETERS {
        let beyond = parameters.get(MOST_PARAMETERS - guard);
        let span = beyond.map_or_else(Span::call_site, |parameter| parameter.pat.span());
        let counted = if guard == 1 { " with the guard" } else { "" };
        diagnostics.error_at(
            span,
            with_help(
                format!(
                    "a handler has at most {MOST_PARAMETERS} parameters, and this one has {}{counted}",
                    parameters.len() + guard
                ),
                "gather some of them into a struct that derives `FromRequestParts`",
            ),
        );
    }
    for later in parameters.iter().skip(1) {
        let Some(name) = user_like(&later.pat, &later.ty) else {
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
                    "remove one of the two; the claims are there as `Session`",
                ),
            );
        }
    }
    first.map(|first| (*first.ty).clone())
}

fn pattern(pattern: &Pat) -> String {
    match pattern {
        Pat::Ident(ident) => ident.ident.to_string(),
        _ => "user".to_owned(),
    }
}

fn is_extractor(ty: &Type) -> bool {
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

/// The type's name, if a parameter that does not stand first looks like a user.
fn user_like(pattern: &Pat, ty: &Type) -> Option<String> {
    let segment = last_segment(ty)?;
    let name = segment.ident.to_string();
    let named_user = matches!(pattern, Pat::Ident(pattern) if pattern.ident == "user");
    let wrapped = || {
        first_argument(ty)
            .and_then(last_segment)
            .map(|inner| inner.ident.to_string())
    };
    match name.as_str() {
        "Session" | "User" => Some(name),
        "Synced" | "MaybeSynced" | "Arc" => Some(format!("{name}<{}>", wrapped()?)),
        "Option" => wrapped()
            .filter(|inner| inner == "User" || inner == "Session")
            .map(|inner| format!("Option<{inner}>")),
        _ if named_user && !is_extractor(ty) => Some(name),
        _ => None,
    }
}

/// The application's state, where a parameter names it as axum's documentation does. Any other `State<_>` may be a part
/// of the state, which need not provide anything.
fn inferred_state(signature: &Signature) -> Option<Type> {
    signature.inputs.iter().find_map(|input| {
        let FnArg::Typed(typed) = input else {
            return None;
        };
        last_segment(&typed.ty).filter(|segment| segment.ident == "State")?;
        let state = first_argument(&typed.ty)?;
        (last_segment(state)?.ident == "AppState").then(|| state.clone())
    })
}

fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        // A `macro_rules!` macro hands on a type in invisible parentheses.
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
