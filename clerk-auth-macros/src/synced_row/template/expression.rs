//! The language inside a template's strings: shortcodes, `||` chains and interpolation.

mod parse;

pub(crate) use parse::parse;

use super::shortcode::{self, Kind, Shortcode};

/// The shortcodes whose values Clerk keeps unique among the users, or the organizations, of an instance.
const UNIQUE_VALUES: [&str; 5] = [
    "org.slug",
    "user.external_id",
    "user.primary_email_address",
    "user.primary_phone_number",
    "user.username",
];

/// The context of a text: the struct's `allow(…)`, and when its claims are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) allows_unknown: bool,
    /// True if the claims are read only while an organization is active.
    pub(crate) is_in_organization: bool,
}

/// A claim's value, parsed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Shortcode(String, Shortcode),
    Chain(Vec<Expression>),
    Interpolation(Vec<Expression>),
    Object(Vec<(String, Expression)>),
    Array(Vec<Expression>),
}

/// A mistake inside a string, at a byte offset from the string's start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExpressionError {
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl ExpressionError {
    fn new(at: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl Expression {
    /// Returns the kind of the value, and whether it can be null.
    pub(crate) fn kind(&self) -> (Kind, bool) {
        match self {
            Self::Null => (Kind::Json, true),
            Self::Boolean(_) => (Kind::Boolean, false),
            Self::Integer(_) => (Kind::Integer, false),
            Self::Number(_) => (Kind::Number, false),
            Self::Text(_) | Self::Interpolation(_) => (Kind::Text, false),
            Self::Shortcode(_, shortcode) => (shortcode.kind, shortcode.nullable),
            Self::Chain(operands) => chain_kind(operands),
            Self::Object(_) => (Kind::Object, false),
            Self::Array(_) => (Kind::Json, false),
        }
    }

    /// Returns the largest size of the value in the token, in bytes; `None` if the size is unbounded.
    pub(crate) fn most_bytes(&self) -> Option<usize> {
        let sum = |parts: &[Self], extra: usize| {
            let sizes: Option<Vec<usize>> = parts.iter().map(Self::most_bytes).collect();
            sizes.map(|sizes| sizes.iter().map(|size| size + extra).sum::<usize>())
        };
        let quotes = 2;
        match self {
            Self::Null => Some(4),
            Self::Boolean(_) => Some(5),
            Self::Integer(number) => Some(number.to_string().len()),
            Self::Number(number) => Some(number.to_string().len()),
            Self::Text(text) => Some(text.len() + quotes),
            Self::Shortcode(_, shortcode) => {
                let quotes = if shortcode.kind == Kind::Text { quotes } else { 0 };
                shortcode.most_bytes.map(|bytes| bytes + quotes)
            }
            Self::Chain(operands) => {
                let sizes: Option<Vec<usize>> = operands.iter().map(Self::most_bytes).collect();
                sizes.map(|sizes| sizes.into_iter().max().unwrap_or(0))
            }
            Self::Interpolation(parts) => sum(parts, 0),
            Self::Array(elements) => sum(elements, 1).map(|bytes| bytes + 2),
            Self::Object(members) => members
                .iter()
                .map(|(name, member)| Some(name.len() + quotes + 2 + member.most_bytes()?))
                .sum::<Option<usize>>()
                .map(|bytes| bytes + 2),
        }
    }

    /// Returns whether this is a single shortcode, without other text, whose value Clerk keeps unique within an
    /// instance.
    pub(crate) fn is_unique_value(&self) -> bool {
        matches!(self, Self::Shortcode(path, _) if UNIQUE_VALUES.contains(&path.as_str()))
    }

    /// Returns whether the expression contains no shortcode.
    pub(crate) fn is_literal(&self) -> bool {
        match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Number(_) | Self::Text(_) => true,
            Self::Shortcode(..) => false,
            Self::Chain(parts) | Self::Interpolation(parts) | Self::Array(parts) => {
                parts.iter().all(Self::is_literal)
            }
            Self::Object(members) => members.iter().all(|(_, member)| member.is_literal()),
        }
    }

    /// Returns whether the expression contains an unknown shortcode that was allowed.
    pub(crate) fn has_unknown(&self) -> bool {
        match self {
            Self::Shortcode(path, _) => shortcode::look_up(path).is_err(),
            Self::Chain(parts) | Self::Interpolation(parts) | Self::Array(parts) => {
                parts.iter().any(Self::has_unknown)
            }
            Self::Object(members) => members.iter().any(|(_, member)| member.has_unknown()),
            _ => false,
        }
    }

    /// Returns the first shortcode that depends on the session or its organization.
    pub(crate) fn of_session(&self) -> Option<&str> {
        self.find_shortcode(&|_, shortcode| shortcode.of_session)
    }

    /// Returns the path of the first shortcode that meets the condition.
    pub(crate) fn find_shortcode(&self, is_meant: &dyn Fn(&str, &Shortcode) -> bool) -> Option<&str> {
        match self {
            Self::Shortcode(path, shortcode) => is_meant(path, shortcode).then_some(path.as_str()),
            Self::Chain(parts) | Self::Interpolation(parts) | Self::Array(parts) => {
                parts.iter().find_map(|part| part.find_shortcode(is_meant))
            }
            Self::Object(members) => members
                .iter()
                .find_map(|(_, member)| member.find_shortcode(is_meant)),
            _ => None,
        }
    }
}

/// Returns the kind of a chain. Its value is the first operand that is neither null nor false, or else the last. So
/// only the last can make the chain null.
fn chain_kind(operands: &[Expression]) -> (Kind, bool) {
    let mut kinds = operands.iter().map(Expression::kind);
    let (mut kind, mut nullable) = kinds.next().unwrap_or((Kind::Json, true));
    for (next, next_nullable) in kinds {
        kind = match (kind, next) {
            (kind, next) if kind == next => kind,
            (Kind::Integer, Kind::Number) | (Kind::Number, Kind::Integer) => Kind::Number,
            _ => Kind::Json,
        };
        nullable = next_nullable;
    }
    (kind, nullable)
}

/// Returns an operand or a chain as written in a template.
pub(crate) fn source(expression: &Expression) -> String {
    match expression {
        Expression::Shortcode(path, _) => path.clone(),
        Expression::Text(text) => format!("'{text}'"),
        Expression::Integer(number) => number.to_string(),
        Expression::Number(number) => number.to_string(),
        Expression::Boolean(value) => value.to_string(),
        Expression::Chain(operands) => operands.iter().map(source).collect::<Vec<_>>().join(" || "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
