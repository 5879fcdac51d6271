//! Locates, reads and checks the session-token template for every caller.

use super::expression::{self, Expression, Reading};
use super::json::{self, Json, Node};

/// The maximum size of the custom claims in bytes. `SessionTokenBudget::LIMIT` of the runtime crate explains it.
const BUDGET: usize = 1_200;

/// The claims that Clerk itself generates and that a template cannot override (Clerk's documentation, "Session
/// tokens").
const RESERVED: [&str; 15] = [
    "act", "azp", "exp", "fea", "fva", "iat", "iss", "jti", "nbf", "o", "pla", "sid", "sts", "sub", "v",
];

/// A parsed template; invalid claims are omitted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Template {
    pub(crate) claims: Vec<Claim>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) expression: Expression,
    /// The value as written in the JSON, for messages.
    pub(crate) source: String,
}

/// A mistake in the template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TemplateError {
    /// The byte offset in the template; `None` for a mistake of the whole template.
    pub(crate) at: Option<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Template {
    pub(crate) fn claim(&self, name: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.name == name)
    }

    /// Returns the claim that versions a token.
    pub(crate) fn updated_at(&self) -> Option<&Claim> {
        self.claims.iter().find(
            |claim| matches!(&claim.expression, Expression::Shortcode(path, _) if path == "user.updated_at"),
        )
    }
}

impl Claim {
    /// Returns the largest size of the claim with its name, quotes, colon and comma.
    pub(crate) fn most_bytes(&self) -> Option<usize> {
        self.expression
            .most_bytes()
            .map(|bytes| bytes + self.name.len() + 4)
    }
}

/// The checks that the struct turns off with `allow(…)`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leniency {
    /// True if the claims are read only while an organization is active.
    pub(crate) in_organization: bool,
    /// True if claims may have any size.
    pub(crate) unbounded: bool,
    /// True if shortcodes of any size are allowed that this version does not support.
    pub(crate) unknown: bool,
}

/// Parses a template. Returns all mistakes.
pub(crate) fn read(text: &str, allowed: Leniency) -> (Template, Vec<TemplateError>) {
    let mut errors = Vec::new();
    let mut template = Template::default();
    let root = match json::read(text) {
        Ok(root) => root,
        Err(error) => {
            errors.push(TemplateError {
                at: Some(error.at),
                message: format!("the template is not JSON: {}", error.message),
                help: Some(
                    r#"a template is like `{ "email": "{{user.primary_email_address}}" }`"#.to_owned(),
                ),
            });
            return (template, errors);
        }
    };
    let Json::Object(members) = root.json else {
        errors.push(TemplateError {
            at: Some(root.at),
            message: "the template is not a JSON object".to_owned(),
            help: Some(r#"write `{ "email": "{{user.primary_email_address}}" }`"#.to_owned()),
        });
        return (template, errors);
    };
    let reading = Reading {
        allows_unknown: allowed.unknown,
        is_in_organization: allowed.in_organization,
    };
    for member in members {
        if let Some(error) = check_name(&template, &member.name) {
            errors.push(TemplateError {
                at: Some(member.name_at),
                ..error
            });
            continue;
        }
        let source = source(&member.value);
        if let Some(expression) = convert(member.value, reading, &mut errors) {
            template.claims.push(Claim {
                name: member.name,
                expression,
                source,
            });
        }
    }
    if errors.is_empty() && !allowed.unbounded {
        errors.extend(over_budget(&template));
    }
    (template, errors)
}

fn check_name(template: &Template, name: &str) -> Option<TemplateError> {
    let error = |message: String, help: &str| {
        Some(TemplateError {
            at: None,
            message,
            help: Some(help.to_owned()),
        })
    };
    if RESERVED.contains(&name) {
        return error(
            format!("the claim `{name}` belongs to Clerk, and a template cannot override it"),
            "give the claim another name",
        );
    }
    if template.claim(name).is_some() {
        return error(
            format!("the claim `{name}` is defined twice"),
            "remove one of them",
        );
    }
    if name.contains("{{") {
        return error(
            format!("the claim's name `{name}` contains a shortcode, which only a value can contain"),
            "give the claim a fixed name",
        );
    }
    None
}

fn convert(node: Node, reading: Reading, errors: &mut Vec<TemplateError>) -> Option<Expression> {
    Some(match node.json {
        Json::Null => Expression::Null,
        Json::Boolean(value) => Expression::Boolean(value),
        Json::Number(number) => match number.parse::<i64>() {
            Ok(integer) => Expression::Integer(integer),
            Err(_) => Expression::Number(number.parse().unwrap_or(0.0)),
        },
        Json::Text(text) => match expression::parse(&text, reading) {
            Ok(expression) => expression,
            Err(mistakes) => {
                errors.extend(mistakes.into_iter().map(|mistake| TemplateError {
                    // Plus one for the quote. Escapes before the mistake would shift the position, but no shortcode
                    // needs one.
                    at: Some(node.at + 1 + mistake.at),
                    message: mistake.message,
                    help: Some(mistake.help),
                }));
                return None;
            }
        },
        Json::Array(elements) => {
            let converted: Vec<_> = elements
                .into_iter()
                .map(|element| convert(element, reading, errors))
                .collect();
            Expression::Array(converted.into_iter().collect::<Option<_>>()?)
        }
        Json::Object(members) => {
            let mut converted: Vec<(String, Option<Expression>)> = Vec::new();
            for member in members {
                if converted.iter().any(|(name, _)| *name == member.name) {
                    errors.push(TemplateError {
                        at: Some(member.name_at),
                        message: format!("the member `{}` is defined twice", member.name),
                        help: Some("remove one of them".to_owned()),
                    });
                }
                let value = convert(member.value, reading, errors);
                converted.push((member.name, value));
            }
            let members = converted.into_iter().map(|(name, value)| Some((name, value?)));
            Expression::Object(members.collect::<Option<_>>()?)
        }
    })
}

fn over_budget(template: &Template) -> Vec<TemplateError> {
    let unbounded: Vec<TemplateError> = template
        .claims
        .iter()
        .filter(|claim| claim.most_bytes().is_none() && !claim.expression.has_unknown())
        .map(|claim| TemplateError {
            at: None,
            message: format!(
                "the size of the claim `{}` is unbounded: `{}` is up to 8 KB, and a session cookie has room for 4 KB",
                claim.name, claim.source
            ),
            help: Some(format!(
                "name the member you need, such as `{{{{{}.plan}}}}`, or write `allow(unbounded_claims)` into `#[synced_user(…)]`",
                claim
                    .expression
                    .find_shortcode(&|path, _| path.ends_with("_metadata"))
                    .unwrap_or("user.public_metadata")
            )),
        })
        .collect();
    if !unbounded.is_empty() {
        return unbounded;
    }
    let mut sizes: Vec<(usize, &str)> = template
        .claims
        .iter()
        .filter_map(|claim| Some((claim.most_bytes()?, claim.name.as_str())))
        .collect();
    let sum: usize = sizes.iter().map(|(bytes, _)| bytes).sum::<usize>() + 2;
    if sum <= BUDGET {
        return Vec::new();
    }
    sizes.sort_by(|left, right| right.cmp(left));
    let largest: Vec<String> = sizes
        .iter()
        .take(3)
        .map(|(bytes, name)| format!("`{name}` {bytes}"))
        .collect();
    vec![TemplateError {
        at: None,
        message: format!(
            "the template's claims can take {sum} bytes, more than the {BUDGET} that fit into the session cookie"
        ),
        help: Some(format!(
            "the largest are {}; remove or shorten some, or write `allow(unbounded_claims)` into `#[synced_user(…)]` if the \
             values are shorter",
            largest.join(", ")
        )),
    }]
}

/// Returns the value as written in the template, for messages.
fn source(node: &Node) -> String {
    match &node.json {
        Json::Null => "null".to_owned(),
        Json::Boolean(value) => value.to_string(),
        Json::Number(number) => number.clone(),
        Json::Text(text) => text.clone(),
        Json::Array(_) => "[…]".to_owned(),
        Json::Object(_) => "{…}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synced_row::RowKind;

    const UNBOUNDED: Leniency = Leniency {
        in_organization: false,
        unbounded: true,
        unknown: false,
    };

    fn messages(text: &str) -> Vec<(Option<usize>, String)> {
        let (_, errors) = read(text, Leniency::default());
        errors
            .into_iter()
            .map(|error| (error.at, error.message))
            .collect()
    }

    #[test]
    fn default_is_within_its_own_budget() {
        assert_eq!(messages(RowKind::User.default_template()), []);
        assert_eq!(messages(RowKind::Organization.default_template()), []);
    }

    #[test]
    fn every_mistake_is_listed() {
        let found = messages(
            r#"{"sub": "{{user.id}}", "a": "{{user.frist_name}}", "b": "x", "b": "y", "c": {"d": "{{usr.id}}"}}"#,
        );
        let expected = [
            "belongs to Clerk",
            "not known to clerk-auth",
            "is defined twice",
            "root of",
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((_, message), part) in found.iter().zip(expected) {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(found[1].0, Some(31));
    }

    #[test]
    fn whole_metadata_is_unbounded_and_a_member_is_not() {
        assert!(
            messages(r#"{"m": "{{user.public_metadata}}"}"#)[0]
                .1
                .contains("is unbounded")
        );
        assert_eq!(messages(r#"{"m": "{{user.public_metadata.plan}}"}"#), []);
        assert_eq!(read(r#"{"m": "{{user.public_metadata}}"}"#, UNBOUNDED).1, []);
    }

    #[test]
    fn template_over_budget_names_its_largest_claims() {
        let long = "x".repeat(1_300);
        let (_, errors) = read(
            &format!(r#"{{"long": "{long}", "id": "{{{{user.id}}}}"}}"#),
            Leniency::default(),
        );
        assert!(
            errors[0].message.contains("more than the 1200"),
            "{}",
            errors[0].message
        );
        assert!(
            errors[0]
                .help
                .as_ref()
                .is_some_and(|help| help.starts_with("the largest are `long` 1310")
                    && help.contains("allow(unbounded_claims)"))
        );
    }

    #[test]
    fn unknown_shortcodes_are_allowed_without_a_bound_and_the_others_are_still_counted() {
        let unknown = Leniency {
            in_organization: false,
            unbounded: false,
            unknown: true,
        };
        let (template, errors) = read(
            r#"{"a": "{{user.locale}}", "b": ["{{org.seats || 5}}"]}"#,
            unknown,
        );
        assert_eq!(errors, []);
        let claim = template.claim("a").expect("it was read");
        assert_eq!(
            (claim.expression.kind(), claim.most_bytes()),
            ((super::super::shortcode::Kind::Json, true), None)
        );
        let (_, errors) = read(
            r#"{"a": "{{user.locale}}", "m": "{{user.unsafe_metadata}}"}"#,
            unknown,
        );
        assert_eq!(errors.len(), 1, "{errors:?}");
        let (_, errors) = read(r#"{"a": "{{usr.locale}}"}"#, unknown);
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
}
