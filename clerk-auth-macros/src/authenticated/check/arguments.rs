//! The arguments of `#[authenticated]`: the requirements, the policies and the state.

use syn::{Expr, ExprLit, Ident, Lit, Type};

use super::requirement::{KNOWN, requirement};
use crate::argument::{self, Argument, Slot};
use crate::authenticated::model::{Policy, Requirement};
use crate::authenticated::subject::is_value;
use crate::diag::{Diagnostics, with_help};
use crate::krate;

/// The arguments that were understood.
#[derive(Default)]
pub(super) struct Arguments {
    requirements: Vec<Requirement>,
    given: Vec<String>,
    allows_agents: bool,
    policy: Slot<Type>,
    row_policy: Slot<Type>,
    pub(super) state: Slot<Type>,
    krate: Slot<syn::Path>,
}

impl Arguments {
    pub(super) fn read(&mut self, arguments: Vec<Argument>, diagnostics: &mut Diagnostics) {
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
                Argument::Word(key) | Argument::Value(key, _) | Argument::List(key, _)
                    if let Some(form) = form_of_type(key) =>
                {
                    diagnostics.error(
                        key,
                        with_help(format!("`{key}` names a type"), format!("write `{form}`")),
                    );
                }
                _ => {
                    if let Some(key) = argument.key() {
                        let word = key.to_string();
                        if self.given.contains(&word) && word != "any" && word != "all" {
                            let help = match word.as_str() {
                                "impersonation" | "agent" => "remove one of them".to_owned(),
                                _ => format!(
                                    "to require both, write `all({word} = …, {word} = …)`; for one of them, `any({word} = …, {word} = …)`"
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

    pub(super) fn requires_something(&self) -> bool {
        !self.requirements.is_empty() || self.policy.is_set() || self.row_policy.is_set()
    }

    /// Returns the policy over the row, unless an assertion about it is impossible.
    pub(super) fn row_policy(&self, diagnostics: &mut Diagnostics) -> Option<Type> {
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

    pub(super) fn policy(mut self, diagnostics: &mut Diagnostics) -> Policy {
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

/// Returns the form of an argument that names a type.
fn form_of_type(key: &Ident) -> Option<&'static str> {
    match key.to_string().as_str() {
        "policy" => Some("policy = path::to::Policy"),
        "row_policy" => Some("row_policy = path::to::Policy"),
        "state" => Some("state = AppState"),
        _ => None,
    }
}

/// Returns whether the argument is `agent = "allow"`, which requires nothing, but lifts the handle's default denial.
fn allows_agents(argument: &Argument) -> bool {
    matches!(argument, Argument::Value(key, value) if key == "agent"
        && matches!(argument::bare(value), Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value() == "allow"))
}
