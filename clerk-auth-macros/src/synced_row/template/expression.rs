//! The language inside a template's strings: shortcodes, `||` chains and interpolation.

use super::shortcode::{self, Kind, Shortcode};

/// The shortcodes whose values Clerk keeps unique among the users of an instance.
const UNIQUE_VALUES: [&str; 4] = [
    "user.external_id",
    "user.primary_email_address",
    "user.primary_phone_number",
    "user.username",
];

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
        match self {
            Self::Shortcode(path, shortcode) => shortcode.of_session.then_some(path.as_str()),
            Self::Chain(parts) | Self::Interpolation(parts) | Self::Array(parts) => {
                parts.iter().find_map(Self::of_session)
            }
            Self::Object(members) => members.iter().find_map(|(_, member)| member.of_session()),
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

/// Parses a string of the template. `allow_unknown` accepts shortcodes that this version does not support.
pub(crate) fn parse(text: &str, allow_unknown: bool) -> Result<Expression, Vec<ExpressionError>> {
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
        let chain = chain(&text[inside..close], inside, allow_unknown, &mut errors);
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
fn chain(
    text: &str,
    at: usize,
    allow_unknown: bool,
    errors: &mut Vec<ExpressionError>,
) -> Option<Expression> {
    let mut operands = Vec::new();
    for (offset, operand) in split_chain(text) {
        match parse_operand(operand, at + offset, offset > 0, allow_unknown) {
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
    allow_unknown: bool,
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
    let unknown = allow_unknown.then(|| shortcode::allowed(operand)).flatten();
    match shortcode::look_up(operand).or_else(|error| unknown.ok_or(error)) {
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
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_the_expression() {
        for (text, kind, nullable) in [
            ("{{user.first_name}}", Kind::Text, true),
            ("{{ user.first_name || 'friend' }}", Kind::Text, false),
            ("{{user.first_name || user.username}}", Kind::Text, true),
            ("{{user.created_at}}", Kind::Integer, false),
            ("{{user.created_at || 1.5}}", Kind::Number, false),
            ("{{user.username || user.created_at}}", Kind::Json, false),
            ("{{user.two_factor_enabled}}", Kind::Boolean, false),
            ("{{user.public_metadata}}", Kind::Object, false),
            ("{{user.public_metadata.plan}}", Kind::Json, true),
            ("{{user.public_metadata.plan || 'free'}}", Kind::Json, false),
            ("Dear {{user.first_name || 'friend'}}", Kind::Text, false),
            ("{{user.id}} ", Kind::Text, false),
            ("plain", Kind::Text, false),
            ("user.read user.write", Kind::Text, false),
            ("user.id is an id", Kind::Text, false),
            ("", Kind::Text, false),
            ("{{'a || b'}}", Kind::Text, false),
        ] {
            let expression = parse(text, false).expect(text);
            assert_eq!(expression.kind(), (kind, nullable), "{text}");
        }
    }

    #[test]
    fn only_a_shortcode_alone_is_a_unique_value() {
        for (text, expected) in [
            ("{{user.primary_email_address}}", true),
            ("{{ user.primary_phone_number }}", true),
            ("{{user.username}}", true),
            ("{{user.external_id}}", true),
            ("{{user.username || 'nobody'}}", false),
            ("{{user.username || user.external_id}}", false),
            ("{{user.external_id}} ", false),
            ("@{{user.id}}", false),
            ("{{user.first_name}}", false),
            ("{{user.unsafe_metadata.handle}}", false),
            ("{{user.public_metadata.username}}", false),
            ("{{user.created_at}}", false),
            ("user", false),
        ] {
            let expression = parse(text, false);
            let is_unique = expression.as_ref().is_ok_and(Expression::is_unique_value);
            assert_eq!(is_unique, expected, "{text}: {expression:?}");
        }
    }

    #[test]
    fn mistakes_are_reported_at_their_column() {
        for (text, at, part) in [
            ("{{user.first_name", 0, "not closed"),
            ("user.first_name}}", 15, "closes nothing"),
            ("hello {user.first_name}", 6, "one brace"),
            ("user.first_name", 0, "is a plain string here"),
            ("<%= user.id %>", 4, "is a plain string here"),
            ("user.organizations", 0, "is a plain string here"),
            ("$session.expire_at", 1, "is a plain string here"),
            ("user.public_metadata.a.b", 0, "is a plain string here"),
            ("user.first_name || 'friend'", 0, "is a plain string here"),
            ("user.first_name user.last_name", 0, "is a plain string here"),
            ("{{{user.id}}}", 2, "found three"),
            ("{{user.id || friend}}", 13, "single quotes"),
            ("{{user.id || null}}", 13, "null already"),
            ("{{user.id || 'it's'}}", 13, "cannot contain"),
            ("{{user.id || `friend`}}", 13, "single quotes"),
            ("{{user.id\u{a0}}}", 2, "U+00A0"),
            ("{{}}", 2, "expected a shortcode"),
            ("{{user.first_name || }}", 21, "expected a shortcode"),
            ("{{user.frist_name}}", 2, "not known"),
            ("{{user.id || 'x}}", 13, "not closed"),
            ("{{user.id || \"x\"}}", 13, "single quotes"),
            ("{{user.first_name}}!", 0, "the word `null`"),
        ] {
            let errors = parse(text, false).expect_err(text);
            let [error] = errors.as_slice() else {
                panic!("{text}: {errors:?}");
            };
            assert_eq!(error.at, at, "{text}: {}", error.message);
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
    }

    #[test]
    fn every_mistake_of_a_text_is_listed() {
        for (text, places) in [
            ("{{user.first_name}} {{user.last_name}}", [0, 20].as_slice()),
            ("{{user.frist_name || usr.id}} {user.id}", &[2, 21, 30]),
            ("}} {{}} {{user.id", &[0, 5, 8]),
        ] {
            let errors = parse(text, false).expect_err(text);
            let found: Vec<usize> = errors.iter().map(|error| error.at).collect();
            assert_eq!(found, places, "{text}: {errors:?}");
        }
    }
}
