//! Parses the strings of a template, and explains each mistake at its position.

use super::{Expression, ExpressionError, Reading, source};
use crate::synced_row::template::shortcode;

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

/// Finds a shortcode without its braces at the start of a string. The string contains only shortcodes, `||` with
/// fallbacks, and the delimiters of other languages, such as `<%= user.id %>`.
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

/// Parses the text between `{{` and `}}`, which begins at `at`. Returns `None` if an operand was reported.
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

/// Splits at `||` outside of quotes. Returns each operand with its offset.
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
    // Trims only ASCII spaces, because Clerk would treat other spaces as letters.
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
