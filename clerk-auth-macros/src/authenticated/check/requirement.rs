//! Reads one requirement of the attribute, and explains invalid ones.

use syn::{Expr, Ident, LitStr};

use super::name;
use crate::argument::{self, Argument};
use crate::authenticated::model::{Requirement, Text};
use crate::diag::{Diagnostics, with_help};
use crate::suggest;

/// The known arguments. All but the last three may also occur inside `any(…)` and `all(…)`.
pub(super) const KNOWN: [&str; 12] = [
    "role",
    "permission",
    "feature",
    "plan",
    "reverification",
    "impersonation",
    "agent",
    "any",
    "all",
    "policy",
    "row_policy",
    "state",
];

const LEVELS: [(&str, &str); 4] = [
    ("strict_mfa", "StrictMfa"),
    ("strict", "Strict"),
    ("moderate", "Moderate"),
    ("lax", "Lax"),
];

pub(super) fn requirement(
    argument: &Argument,
    known: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Requirement> {
    let Some(key) = argument.key() else {
        diagnostics.error_at(
            argument.span(),
            with_help("a string literal needs a key", r#"write `role = "org:admin"`"#),
        );
        return None;
    };
    let word = key.to_string();
    match (word.as_str(), argument) {
        ("any" | "all", Argument::List(_, nested)) => {
            let requirements: Vec<Requirement> = nested
                .iter()
                .filter_map(|nested| requirement(nested, &KNOWN[..9], diagnostics))
                .collect();
            if nested.is_empty() {
                diagnostics.error(
                    key,
                    with_help(
                        format!("`{word}` without a requirement admits no request"),
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
            Some(Requirement::Plain("ImpersonationDenied"))
        }
        ("agent", _) => agent(argument, diagnostics),
        _ => {
            unknown(key, argument, known, diagnostics);
            None
        }
    }
}

/// Reads `agent = "deny"`. Where `agent = "allow"` is valid, the caller has already read it.
fn agent(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Requirement> {
    let text = argument::text(argument, r#"agent = "deny""#, diagnostics)?;
    let word = text.value();
    if word == "deny" {
        return Some(Requirement::Plain("AgentDenied"));
    }
    let message = if word == "allow" {
        with_help(
            r#"`agent = "allow"` is not a requirement"#,
            r#"write it beside the requirements: `any(…), agent = "allow"`"#,
        )
    } else {
        with_help(
            format!("`agent` is `\"deny\"` or `\"allow\"`, not `\"{word}\"`"),
            match suggest::nearest(&word, ["deny", "allow"]) {
                Some(nearest) => format!(r#"did you mean `agent = "{nearest}"`?"#),
                None => r#"to answer agents with 403, write `agent = "deny"`"#.to_owned(),
            },
        )
    };
    diagnostics.error(&text, message);
    None
}

/// Reports an unknown argument. For the names of other frameworks, suggests this attribute's.
fn unknown(key: &Ident, argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) {
    let word = key.to_string();
    let help = match word.as_str() {
        "and" => "to require several at once, write `all(…)`".to_owned(),
        "or" | "one_of" => "to require one of several, write `any(…)`".to_owned(),
        "not" => "a negation needs a policy of your own: `policy = path::to::Policy`".to_owned(),
        "scope" | "scopes" => r#"write `permission = "org:billing:manage"`"#.to_owned(),
        "mfa" | "two_factor" => r#"write `reverification = "strict_mfa"`"#.to_owned(),
        "optional" | "required" => {
            "to admit visitors, take `Option<User>`; a user is required by default".to_owned()
        }
        "user" => "the user's type is the type of the first parameter".to_owned(),
        "agents" | "bot" | "bots" | "actor" => r#"write `agent = "deny"`"#.to_owned(),
        _ if matches!(argument, Argument::Word(_))
            && suggest::nearest(&word, known.iter().copied()).is_none() =>
        {
            format!(
                r#"for a role, write `role = "org:{word}"`; the arguments are {}"#,
                argument::list(known)
            )
        }
        _ => return argument::unknown(argument, "authenticated", known, diagnostics),
    };
    diagnostics.error(
        key,
        with_help(format!("`authenticated` has no argument `{word}`"), help),
    );
}

/// Reads a string literal that passes `check`, or the path of a constant, which is not checked.
fn value(
    argument: &Argument,
    form: &str,
    check: fn(&LitStr) -> Option<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Text> {
    if let Argument::Value(_, value) = argument
        && let Expr::Path(constant) = argument::bare(value)
    {
        return Some(Text::Constant(constant.clone()));
    }
    if let Argument::Value(key, list @ (Expr::Array(_) | Expr::Binary(_) | Expr::Tuple(_))) = argument {
        diagnostics.error(
            list,
            with_help(
                format!("`{key}` expects one name"),
                format!(r#"for one of several, write `any({form}, {key} = "…")`"#),
            ),
        );
        return None;
    }
    let text = argument::text(argument, form, diagnostics)?;
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    if let Some(message) = name::unusable(&text.value(), &key).or_else(|| check(&text)) {
        diagnostics.error(&text, message);
        return None;
    }
    Some(Text::Literal(text))
}

fn reverification(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Requirement> {
    let text = argument::text(argument, r#"reverification = "strict""#, diagnostics)?;
    let word = text.value();
    if let Some((_, variant)) = LEVELS.iter().find(|(level, _)| *level == word) {
        return Some(Requirement::Plain(variant));
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
