//! Whether a function stands in an `impl` or a `trait`, which its own tokens do not tell: the file that holds it does.
//!
//! A policy of a handler is a type beside it, for which these have no room. rustc would say that three times, about items
//! that nobody wrote.

use std::path::PathBuf;

/// Where the attribute stands, as far as the compiler tells.
pub(crate) struct Place {
    /// The file of the attribute.
    pub(crate) file: Option<PathBuf>,
    /// Its line, from one.
    pub(crate) line: usize,
    /// Its column, from one.
    pub(crate) column: usize,
}

impl Place {
    /// `an impl` or `a trait`, if the attribute stands directly in one. A formatted file has it in the first column in no
    /// other item.
    pub(super) fn encloser(&self) -> Option<&'static str> {
        let file = self.file.as_ref().filter(|_| self.column > 1)?;
        encloser(&std::fs::read_to_string(file).ok()?, self.line)
    }
}

/// What the innermost brace that is open at the beginning of the line belongs to.
fn encloser(source: &str, line: usize) -> Option<&'static str> {
    let end = source
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut open: Vec<String> = Vec::new();
    let mut header = String::new();
    let mut rest = source.get(..end)?;
    while let Some(letter) = rest.chars().next() {
        let length = skipped(rest);
        if length > 0 {
            rest = rest.get(length..)?;
            header.push(' ');
            continue;
        }
        match letter {
            '{' => open.push(std::mem::take(&mut header)),
            '}' => {
                open.pop();
                header.clear();
            }
            ';' => header.clear(),
            letter => header.push(letter),
        }
        rest = rest.get(letter.len_utf8()..)?;
    }
    what(open.last()?)
}

/// How many bytes a comment, a text or a letter in quotes takes at the beginning of the source.
fn skipped(source: &str) -> usize {
    if source.starts_with("//") {
        return source.find('\n').unwrap_or(source.len());
    }
    if source.starts_with("/*") {
        return comment(source);
    }
    if source.starts_with('"') {
        return text(source);
    }
    if let Some(raw) = source.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw.get(hashes..).is_some_and(|rest| rest.starts_with('"')) {
            let close = format!("\"{}", "#".repeat(hashes));
            let begun = 1 + hashes + 1;
            let length = source.get(begun..).and_then(|rest| rest.find(&close));
            return length.map_or(source.len(), |length| begun + length + close.len());
        }
    }
    if let Some(letter) = source.strip_prefix('\'') {
        let mut letters = letter.char_indices();
        return match (letters.next(), letters.next(), letters.next()) {
            (Some((_, '\\')), Some(_), _) => {
                let close = letter.get(2..).and_then(|rest| rest.find('\''));
                close.map_or(1, |close| 1 + 2 + close + 1)
            }
            (Some(_), Some((at, '\'')), _) => 1 + at + 1,
            // A lifetime.
            _ => 1,
        };
    }
    0
}

/// Comments nest.
fn comment(source: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(rest) = source.get(at..) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            match rest.chars().next() {
                Some(letter) => at += letter.len_utf8(),
                None => break,
            }
        }
    }
    source.len()
}

fn text(source: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in source.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    source.len()
}

/// What begins with these words, behind its attributes and its visibility.
fn what(header: &str) -> Option<&'static str> {
    let item = header.rsplit(']').next().unwrap_or(header);
    let words = item.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    for word in words.filter(|word| !word.is_empty()) {
        match word {
            "impl" => return Some("an impl"),
            "trait" => return Some("a trait"),
            "pub" | "crate" | "super" | "self" | "in" | "unsafe" | "default" | "auto" => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::encloser;

    #[test]
    fn the_innermost_item_is_told_by_its_words() {
        let here = "// here";
        for (source, expected) in [
            ("impl Handlers {\n    // here\n}", Some("an impl")),
            ("impl<T> Handlers<T> for [T; 2] {\n    // here\n}", None),
            (
                "#[derive(Clone)]\nstruct A { a: u8 }\nimpl A {\n    // here\n}",
                Some("an impl"),
            ),
            (
                "#[doc = \"a ] b\"]\npub(crate) trait Handlers {\n    // here\n}",
                Some("a trait"),
            ),
            ("pub(in crate::a) trait Handlers {\n    // here\n}", None),
            (
                "unsafe impl A for B where B: C {\n    // here\n}",
                Some("an impl"),
            ),
            ("impl A {\n    fn a() {\n        // here\n    }\n}", None),
            ("impl A {\n    fn a() {}\n    // here\n}", Some("an impl")),
            ("impl A {\n}\nmod tests {\n    // here\n}", None),
            (
                "mod tests {\n    impl A {\n        // here\n    }\n}",
                Some("an impl"),
            ),
            ("fn a() -> impl B {\n    // here\n}", None),
            (
                "impl A {\n    const A: &str = \"}\";\n    // here\n}",
                Some("an impl"),
            ),
            (
                "impl A {\n    const A: char = '}';\n    const B: char = '\\'';\n    // here\n}",
                Some("an impl"),
            ),
            (
                "impl A {\n    const A: &str = r#\"\"}\"#;\n    // here\n}",
                Some("an impl"),
            ),
            (
                "impl A {\n    /* } /* } */ } */\n    // }\n    // here\n}",
                Some("an impl"),
            ),
            ("impl<'a> A<'a> {\n    // here\n}", Some("an impl")),
            ("macro_rules! a { () => {\n    // here\n} }", None),
            ("// here", None),
            ("}}}\nimpl A {\n    // here\n}", Some("an impl")),
        ] {
            let line = source
                .lines()
                .position(|line| line.trim() == here)
                .expect("a line is marked")
                + 1;
            assert_eq!(encloser(source, line), expected, "{source}");
        }
    }
}
