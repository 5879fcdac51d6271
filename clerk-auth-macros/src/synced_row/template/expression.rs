//! The language inside a template's strings: shortcodes, `||` chains and interpolation.

use super::shortcode::{self, Kind, Shortcode};

/// The shortcodes whose values Clerk keeps unique among the users, or the organizations, of an instance.
const UNIQUE_VALUES: [&str; 5] = [
    "org.slug",
    "user.external_id",
    "user.primary_email_address",
    "user.primary_phone_number",
    "user.username",
];

/// The circumstances of a text: what the struct allows, and where its claims are read.
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
    /// The kind of the value and whether it can be null.
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

    /// The first shortcode that depends on the session or its organization.
    pub(crate) fn of_session(&self) -> Option<&str> {
        self.find_shortcode(&|_, shortcode| shortcode.of_session)
    }

    /// The path of the first shortcode that meets the condition.
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

/// The chosen operand is the first that is neither null nor false; otherwise the last, whatever its value. So only the
/// last can make the chain null.
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

/// Parses a string of the template. `allow(unknown_shortcodes)` accepts shortcodes that this version does not support.
pub(crate) fn parse(text: &str, reading: Reading) -> Result<Expression, Vec<ExpressionError>> {
    let mut errors = Vec::new();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        push_literal(&mut parts, text, at, open, &mut errors);
        let inside = open + 2;
        let Some(close) = text[inside..].find("}}").map(|found| inside + found) else {
            errors.push(ExpressionError::new(
                open,
                "`{{` is not closed",
                format!("close it: `{}}}}}`", text[open..].trim_end_matches('}')),
            ));
            return Err(errors);
        };
        let chain = chain(&text[inside..close], inside, reading, &mut errors);
        parts.extend(chain.map(|chain| (open, chain)));
        at = close + 2;
    }
    push_literal(&mut parts, text, at, text.len(), &mut errors);
    if errors.is_empty() && parts.len() > 1 {
        errors.extend(parts.iter().filter_map(null_in_text));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(match parts.len() {
        0 => Expression::Text(String::new()),
        1 => parts.remove(0).1,
        _ => Expression::Interpolation(parts.into_iter().map(|(_, part)| part).collect()),
    })
}

fn null_in_text((at, part): &(usize, Expression)) -> Option<ExpressionError> {
    let inside = source(part);
    part.kind().1.then(|| {
        ExpressionError::new(
            *at,
            format!(
                "`{{{{{inside}}}}}` may be null, and the text around it would then contain the word `null`"
            ),
            format!("give it a fallback: `{{{{{inside} || ''}}}}`"),
        )
    })
}

fn push_literal(
    parts: &mut Vec<(usize, Expression)>,
    text: &str,
    from: usize,
    to: usize,
    errors: &mut Vec<ExpressionError>,
) {
    let literal = &text[from..to];
    let half_open = literal.match_indices('{').find_map(|(at, _)| {
        let rest = literal[at + 1..].trim_start();
        let is_path = ["user.", "org.", "org_membership.", "session."]
            .iter()
            .any(|root| rest.starts_with(root));
        is_path.then(|| (at, path(rest)))
    });
    if let Some((at, path)) = half_open {
        errors.push(ExpressionError::new(
            from + at,
            "this looks like a shortcode, but one brace makes it text",
            format!("write `{{{{{path}}}}}`"),
        ));
    } else if let Some(close) = literal.find("}}") {
        errors.push(ExpressionError::new(
            from + close,
            "`}}` closes nothing",
            "a shortcode is written `{{user.first_name}}`",
        ));
    } else if let Some((at, path)) = without_braces(literal) {
        errors.push(ExpressionError::new(
            from + at,
            format!("`{path}` is a plain string here: every user's claim would be this text"),
            format!("write `{{{{{path}}}}}`"),
        ));
    }
    if !literal.is_empty() {
        parts.push((from, Expression::Text(literal.to_owned())));
    }
}

/// Returns the names and dots at the start of a string.
fn path(text: &str) -> &str {
    let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == '.'));
    text[..end.unwrap_or(text.len())].trim_end_matches('.')
}

/// Finds a shortcode without its braces at the start of a string. The string may contain only shortcodes, `||` with
/// fallbacks, and the delimiters of other languages: `<%= user.id %>`.
fn without_braces(text: &str) -> Option<(usize, &str)> {
    let at = text.find(|letter: char| letter.is_ascii_alphanumeric())?;
    let is_known = |word: &str| shortcode::look_up(word).is_ok();
    let begins = path(&text[at..]);
    let rest = &text[at + begins.len()..];
    let mut words = rest
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '.'))
        .filter(|word| word.contains(char::is_alphanumeric));
    (is_known(begins) && (rest.trim_start().starts_with("||") || words.all(is_known))).then_some((at, begins))
}

/// Parses the text between `{{` and `}}`, which begins at `at`; returns `None` if an operand was reported.
fn chain(text: &str, at: usize, reading: Reading, errors: &mut Vec<ExpressionError>) -> Option<Expression> {
    let mut operands = Vec::new();
    for (offset, operand) in split_chain(text) {
        match parse_operand(operand, at + offset, offset > 0, reading) {
            Ok(operand) => operands.push(operand),
            Err(error) => errors.push(error),
        }
    }
    match operands.len() {
        0 => None,
        1 => Some(operands.remove(0)),
        _ => Some(Expression::Chain(operands)),
    }
}

/// Splits at `||` outside of quotes; returns each operand with its offset.
fn split_chain(text: &str) -> Vec<(usize, &str)> {
    let mut operands = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\'' => quoted = !quoted,
            b'|' if !quoted && bytes.get(at + 1) == Some(&b'|') => {
                operands.push((start, &text[start..at]));
                at += 1;
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    operands.push((start, &text[start..]));
    operands
}

fn parse_operand(
    operand: &str,
    at: usize,
    is_fallback: bool,
    reading: Reading,
) -> Result<Expression, ExpressionError> {
    // Trims only ASCII spaces: Clerk would take other spaces for letters.
    let at = at + (operand.len() - operand.trim_ascii_start().len());
    let operand = operand.trim_ascii();
    if operand.is_empty() {
        return Err(ExpressionError::new(
            at,
            "expected a shortcode",
            "write one, such as `{{user.first_name}}`, or a literal, such as `{{user.first_name || 'friend'}}`",
        ));
    }
    if let Some(rest) = operand.strip_prefix('\'') {
        return match rest.strip_suffix('\'') {
            Some(text) if !text.contains('\'') => Ok(Expression::Text(text.to_owned())),
            Some(text) if !text.contains("||") => Err(ExpressionError::new(
                at,
                "a string in single quotes cannot contain a single quote",
                format!("write an apostrophe as `’`: `'{}'`", text.replace('\'', "’")),
            )),
            _ => Err(ExpressionError::new(
                at,
                "the string is not closed",
                "strings in a shortcode are in single quotes: `'friend'`",
            )),
        };
    }
    let quotes = ['"', '`', '‘', '’', '“', '”'];
    if operand.starts_with(quotes) {
        return Err(ExpressionError::new(
            at,
            "strings in a shortcode are in single quotes",
            format!("write `'{}'`", operand.trim_matches(quotes)),
        ));
    }
    if let Some(path) = operand.strip_prefix('{') {
        return Err(ExpressionError::new(
            at,
            "a shortcode is enclosed in two braces, found three",
            format!("write `{{{{{}}}}}`", path.trim_matches(['{', ' '])),
        ));
    }
    if is_fallback && ["null", "undefined"].contains(&operand) {
        return Err(ExpressionError::new(
            at,
            format!("`{operand}` is not a fallback: a claim without a value is null already"),
            format!("remove `|| {operand}`"),
        ));
    }
    if let Ok(number) = operand.parse::<i64>() {
        return Ok(Expression::Integer(number));
    }
    if operand.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && let Ok(number) = operand.parse::<f64>()
    {
        return Ok(Expression::Number(number));
    }
    match operand {
        "true" => return Ok(Expression::Boolean(true)),
        "false" => return Ok(Expression::Boolean(false)),
        _ => {}
    }
    let unknown = reading
        .allows_unknown
        .then(|| shortcode::allowed(operand))
        .flatten();
    let found = shortcode::look_up(operand).or_else(|error| unknown.ok_or(error));
    let found = found.map(|shortcode| match reading.is_in_organization {
        true => shortcode.in_active_organization(operand),
        false => shortcode,
    });
    match found {
        Ok(shortcode) => Ok(Expression::Shortcode(operand.to_owned(), shortcode)),
        Err(_) if is_fallback && !operand.contains(['.', '|', '?', '\'', '(']) => Err(ExpressionError::new(
            at,
            format!("`{operand}` is not a shortcode, and strings are in single quotes"),
            format!("write `'{operand}'`"),
        )),
        Err(unknown) => Err(ExpressionError::new(at, unknown.message, unknown.help)),
    }
}

/// An operand or chain as the template writes it.
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
