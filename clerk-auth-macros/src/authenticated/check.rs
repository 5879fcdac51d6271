//! Converts the syntax into its meaning, and checks every rule that needs no types.

mod handler;
mod name;
mod requirement;

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, ExprLit, Lit, Safety, Signature, Type};

use self::requirement::{KNOWN, requirement};
use super::model::{Model, Policy, Requirement, Subject};
use super::subject::{inferred_state, is_value, subject};
use crate::argument::{self, Argument, Slot};
use crate::diag::{Diagnostics, with_help};
use crate::krate;

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

#[derive(Default)]
struct Arguments {
    requirements: Vec<Requirement>,
    given: Vec<String>,
    allows_agents: bool,
    policy: Slot<Type>,
    row_policy: Slot<Type>,
    state: Slot<Type>,
    krate: Slot<syn::Path>,
}

impl Arguments {
    fn read(&mut self, arguments: Vec<Argument>, diagnostics: &mut Diagnostics) {
        for argument in arguments {
            match &argument {
                Argument::Type(key, ty) if key == "policy" => {
                    self.policy.set(key, Some(ty.clone()), diagnostics);
                }
                Argument::Type(key, ty) if key == "row_policy" => {
                    self.row_policy.set(key, Some(ty.clone()), diagnostics);
                }
                Argument::Type(key, ty) => self.state.set(key, Some(ty.clone()), diagnostics),
                // Already read for the whole generated code.
                it if it.key().is_some_and(|key| key == krate::KEY) => {
                    let path = krate::checked(it, diagnostics);
                    if let Some(key) = it.key() {
                        self.krate.set(key, path, diagnostics);
                    }
                }
                Argument::Word(key) | Argument::Value(key, _) | Argument::List(key, _) if key == "policy" => {
                    diagnostics.error(
                        key,
                        with_help("`policy` names a type", "write `policy = path::to::Policy`"),
                    );
                }
                Argument::Word(key) | Argument::Value(key, _) | Argument::List(key, _)
                    if key == "row_policy" =>
                {
                    diagnostics.error(
                        key,
                        with_help(
                            "`row_policy` names a type",
                            "write `row_policy = path::to::Policy`",
                        ),
                    );
                }
                Argument::Word(key) | Argument::Value(key, _) | Argument::List(key, _) if key == "state" => {
                    diagnostics.error(key, with_help("`state` names a type", "write `state = AppState`"));
                }
                _ => {
                    if let Some(key) = argument.key() {
                        let word = key.to_string();
                        if self.given.contains(&word) && word != "any" && word != "all" {
                            let help = match word.as_str() {
                                "impersonation" | "agent" => "remove one of them".to_owned(),
                                _ => format!(
                                    "to ask for both, write `all({word} = …, {word} = …)`; for one of them, `any({word} = …, {word} = …)`"
                                ),
                            };
                            diagnostics.error(key, with_help(format!("`{word}` is given twice"), help));
                            continue;
                        }
                        self.given.push(word);
                        if allows_agents(&argument) {
                            self.allows_agents = true;
                            continue;
                        }
                    }
                    self.requirements
                        .extend(requirement(&argument, &KNOWN, diagnostics));
                }
            }
        }
    }

    fn requires_something(&self) -> bool {
        !self.requirements.is_empty() || self.policy.is_set() || self.row_policy.is_set()
    }

    /// Returns the policy over the row, unless an assertion about it is impossible.
    fn row_policy(&self, diagnostics: &mut Diagnostics) -> Option<Type> {
        let policy = self.row_policy.get()?;
        if is_value(policy) {
            return Some(policy.clone());
        }
        diagnostics.error(
            policy,
            with_help(
                "`row_policy` expects a type that implements `RowPolicy`",
                "write `struct Owners;`, and `impl RowPolicy<User> for Owners { … }`",
            ),
        );
        None
    }

    fn policy(mut self, diagnostics: &mut Diagnostics) -> Policy {
        if let Some(policy) = self.policy.get() {
            if !self.requirements.is_empty() {
                diagnostics.error(
                    policy,
                    with_help(
                        "`policy` cannot be combined with other requirements: which of them decides would be unclear",
                        "put the other requirements into the policy",
                    ),
                );
            } else if self.allows_agents {
                diagnostics.error(
                    policy,
                    with_help(
                        "`agent` cannot be combined with `policy`: the policy decides about agents",
                        "remove `agent`, and write `const ALLOWS_AGENTS: bool = true;` into the policy",
                    ),
                );
            }
            if is_value(policy) {
                return Policy::Type(policy.clone());
            }
            diagnostics.error(
                policy,
                with_help(
                    "`policy` expects a type that implements `Policy`",
                    "write `struct Admins;`, and `impl Policy for Admins { … }`",
                ),
            );
            return Policy::Nothing;
        }
        let allows_agents = self.allows_agents;
        let requirement = match self.requirements.len() {
            0 if allows_agents => return Policy::AgentsAllowed,
            0 => return Policy::Nothing,
            1 => self.requirements.remove(0),
            _ => Requirement::All(self.requirements),
        };
        Policy::Requirement {
            requirement,
            allows_agents,
        }
    }
}

/// Returns whether the argument is `agent = "allow"`, which requires nothing, but lifts the handle's default denial.
fn allows_agents(argument: &Argument) -> bool {
    matches!(argument, Argument::Value(key, value) if key == "agent"
        && matches!(argument::bare(value), Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value() == "allow"))
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
