//! Converts the syntax into its meaning, and checks every rule that needs no types.

mod arguments;
mod handler;
mod name;
mod requirement;

use proc_macro2::TokenStream;
use syn::{Attribute, Safety, Signature, Type};

use self::arguments::Arguments;
use super::model::{Model, Subject};
use super::subject::{inferred_state, is_value, subject};
use crate::argument;
use crate::diag::{Diagnostics, with_help};

pub(super) fn check(
    arguments: TokenStream,
    attributes: &mut Vec<Attribute>,
    signature: &Signature,
    diagnostics: &mut Diagnostics,
) -> Model {
    let mut read = Arguments::default();
    match syn::parse::Parser::parse2(argument::separated, arguments) {
        Ok(arguments) => read.read(arguments, diagnostics),
        Err(error) => diagnostics.push(error),
    }
    check_function(signature, diagnostics);
    let subject = subject(signature, diagnostics);
    let (removed, debugged_state) = handler::without_debug_handler(attributes);
    let state = match read.state.get() {
        Some(state) => state_of_a_value(state, diagnostics),
        None => debugged_state.or_else(|| inferred_state(signature)),
    };
    let requires_a_user = read.requires_something();
    let mut row_policy = read.row_policy(diagnostics);
    if let (Some(policy), Subject::Nobody) = (&row_policy, &subject) {
        diagnostics.error(
            policy,
            with_help(
                "`row_policy` decides over the user's row, and the handler takes no user",
                "make the user the first parameter: `user: User`",
            ),
        );
        row_policy = None;
    }
    let policy = read.policy(diagnostics);
    Model {
        extractors: handler::extractors(signature, &subject),
        returned: handler::returned(signature),
        removed,
        requires_a_user,
        policy,
        row_policy,
        state,
        subject,
    }
}

/// Returns the state, unless an assertion about the state is impossible.
fn state_of_a_value(state: &Type, diagnostics: &mut Diagnostics) -> Option<Type> {
    if is_value(state) {
        return Some(state.clone());
    }
    diagnostics.error(
        state,
        with_help(
            "`state` expects one concrete type",
            "name the type that `.with_state(…)` is given",
        ),
    );
    None
}

/// Reports and removes further `#[authenticated]` attributes, whose requirements would otherwise be lost.
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
                    "`#[authenticated]` is given twice",
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
    if let Safety::Unsafe(keyword) = &signature.safety {
        diagnostics.error(
            keyword,
            with_help(
                "axum does not call `unsafe` functions",
                "remove `unsafe`, or write an `unsafe` block in the body",
            ),
        );
    }
    if let Some(abi) = &signature.abi {
        diagnostics.error(
            abi,
            with_help(
                "a handler does not have an `extern` ABI",
                format!("write `async fn {}`", signature.ident),
            ),
        );
    }
    if !signature.generics.params.is_empty() {
        diagnostics.error(
            &signature.generics.params,
            with_help(
                "a guarded handler cannot be generic: its policy is one concrete type",
                "write concrete types, and elide lifetimes",
            ),
        );
    }
}
