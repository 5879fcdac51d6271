//! Finds out whether a function is in an `impl` or a `trait`. The function's tokens do not show this, so the source
//! file is read.
//!
//! A policy of a handler becomes a type next to the handler, which an `impl` or a `trait` cannot contain. rustc would
//! report that three times, about items that the user did not write.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// The position of the attribute, as far as the compiler reveals it.
pub(crate) struct Place {
    /// The file of the attribute.
    pub(crate) file: Option<PathBuf>,
    /// Its line, from one.
    pub(crate) line: usize,
    /// Its column, from one.
    pub(crate) column: usize,
}

/// The kind of item that can stand next to a handler and call it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sibling {
    /// Calls the handler by its name.
    Item,
    /// Calls the handler as a function of `Self`.
    AssociatedFunction,
}

/// The scope that contains the start of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scope {
    /// A file or a module.
    Items,
    /// An `impl` of a type without generic parameters.
    InherentImpl,
    Impl,
    Trait,
    /// Something else, such as a function or the body of a macro.
    Other,
}

/// An open delimiter at a position in a file.
enum Open {
    /// A brace, and the source before it.
    Brace(String),
    /// A parenthesis or a bracket, and the source before it.
    Group(String),
}

/// A line of a file: its scope, and its column, from one, if it begins with an attribute.
#[derive(Clone, Copy, Debug)]
struct Line {
    scope: Scope,
    attribute: Option<usize>,
}

impl Place {
    /// Returns `an impl` or `a trait` if the line of the attribute begins directly inside one.
    pub(super) fn encloser(&self) -> Option<&'static str> {
        match self.line()?.scope {
            Scope::InherentImpl | Scope::Impl => Some("an impl"),
            Scope::Trait => Some("a trait"),
            Scope::Items | Scope::Other => None,
        }
    }

    /// Returns how an item next to the attribute can call the handler; `None` if that is unknown. In a function, a variable
    /// may have the same name; code written by a macro may be in an `impl`.
    pub(super) fn sibling(&self) -> Option<Sibling> {
        let line = self.line()?;
        if line.attribute != Some(self.column) {
            return None;
        }
        match line.scope {
            Scope::Items => Some(Sibling::Item),
            Scope::InherentImpl => Some(Sibling::AssociatedFunction),
            Scope::Impl | Scope::Trait | Scope::Other => None,
        }
    }

    fn line(&self) -> Option<Line> {
        let lines = lines_of(self.file.as_ref()?)?;
        lines.get(self.line.checked_sub(1)?).copied()
    }
}

/// A file that has been read.
struct Read {
    file: PathBuf,
    modified: SystemTime,
    lines: Arc<[Line]>,
}

/// The lines of a file, which is read once for all of its handlers.
fn lines_of(file: &Path) -> Option<Arc<[Line]>> {
    static LAST: Mutex<Option<Read>> = Mutex::new(None);
    let modified = std::fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .ok()?;
    let mut last = LAST.lock().ok()?;
    if let Some(read) = &*last
        && read.file == file
        && read.modified == modified
    {
        return Some(Arc::clone(&read.lines));
    }
    let lines: Arc<[Line]> = lines(&std::fs::read_to_string(file).ok()?).into();
    *last = Some(Read {
        file: file.to_owned(),
        modified,
        lines: Arc::clone(&lines),
    });
    Some(lines)
}

fn lines(source: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut header = String::new();
    let mut rest = source;
    let mut begin = |rest: &str, scope: Scope| {
        let line = rest.lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        let attribute = line.get(indent..).is_some_and(|line| line.starts_with("#["));
        lines.push(Line {
            scope,
            attribute: attribute.then_some(indent + 1),
        });
    };
    begin(rest, Scope::Items);
    while let Some(letter) = rest.chars().next() {
        let length = skipped(rest);
        if length > 0 {
            let Some((inside, after)) = rest.split_at_checked(length) else {
                break;
            };
            // The lines of a comment or a string contain no items.
            inside.matches('\n').for_each(|_| begin("", Scope::Other));
            rest = after;
            header.push(' ');
            continue;
        }
        match letter {
            '{' => open.push(Open::Brace(std::mem::take(&mut header))),
            '}' => {
                open.pop();
                header.clear();
            }
            '(' | '[' => {
                header.push(letter);
                open.push(Open::Group(std::mem::take(&mut header)));
            }
            ')' | ']' => {
                if let Some(Open::Group(before)) = open.pop_if(|open| matches!(open, Open::Group(_))) {
                    header = before;
                }
                header.push(letter);
            }
            ';' => header.clear(),
            letter => header.push(letter),
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        if letter == '\n' {
            let scope = match open.last() {
                None => Scope::Items,
                Some(Open::Brace(header)) => scope(header),
                Some(Open::Group(_)) => Scope::Other,
            };
            begin(rest, scope);
        }
    }
    lines
}

/// Returns the length in bytes of a comment, a string or a character literal at the start of the source.
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

/// Classifies the item whose header, after attributes and visibility, begins with these words.
fn scope(header: &str) -> Scope {
    let item = header.rsplit(']').next().unwrap_or(header);
    let words = item.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    let mut words = words.filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            "impl"
                if item.contains("impl<") || item.contains("impl <") || words.any(|word| word == "for") =>
            {
                return Scope::Impl;
            }
            "impl" => return Scope::InherentImpl,
            "trait" => return Scope::Trait,
            "mod" => return Scope::Items,
            "pub" | "crate" | "super" | "self" | "in" | "unsafe" | "default" | "auto" => {}
            _ => return Scope::Other,
        }
    }
    Scope::Other
}

#[cfg(test)]
mod tests {
    use super::Scope::{Impl, InherentImpl, Items, Other, Trait};
    use super::lines;

    #[test]
    fn innermost_item_is_recognized_by_its_keywords() {
        let here = "// here";
        for (source, expected) in [
            ("impl Handlers {\n    // here\n}", InherentImpl),
            ("impl<T> Handlers<T> for [T; 2] {\n    // here\n}", Other),
            (
                "#[derive(Clone)]\nstruct A { a: u8 }\nimpl A {\n    // here\n}",
                InherentImpl,
            ),
            (
                "#[doc = \"a ] b\"]\npub(crate) trait Handlers {\n    // here\n}",
                Trait,
            ),
            ("pub(in crate::a) trait Handlers {\n    // here\n}", Trait),
            ("unsafe impl A for B where B: C {\n    // here\n}", Impl),
            ("impl A {\n    fn a() {\n        // here\n    }\n}", Other),
            ("impl A {\n    fn a() {}\n    // here\n}", InherentImpl),
            ("impl a::B<C> {\n    // here\n}", InherentImpl),
            ("impl A for B {\n    // here\n}", Impl),
            ("impl<T: C> A<T> {\n    // here\n}", Impl),
            ("impl A {\n}\nmod tests {\n    // here\n}", Items),
            (
                "mod tests {\n    impl A {\n        // here\n    }\n}",
                InherentImpl,
            ),
            ("fn a() -> impl B {\n    // here\n}", Other),
            (
                "impl A {\n    const A: &str = \"}\";\n    // here\n}",
                InherentImpl,
            ),
            (
                "impl A {\n    const A: char = '}';\n    const B: char = '\\'';\n    // here\n}",
                InherentImpl,
            ),
            (
                "impl A {\n    const A: &str = r#\"\"}\"#;\n    // here\n}",
                InherentImpl,
            ),
            (
                "impl A {\n    /* } /* } */ } */\n    // }\n    // here\n}",
                InherentImpl,
            ),
            ("impl<'a> A<'a> {\n    // here\n}", Impl),
            ("macro_rules! a { () => {\n    // here\n} }", Other),
            ("// here", Items),
            ("#[allow(a)]\npub(crate) async fn a() {\n    // here\n}", Other),
            ("pub const fn a(b: [u8; 2]) {\n    // here\n}", Other),
            ("wrapped!(\n    // here\n);", Other),
            ("wrapped! {\n    // here\n}", Other),
            ("cfg_if! { if #[cfg(a)] {\n    // here\n} }", Other),
            ("const A: &str = \"\n    // here\n\";", Other),
            ("}}}\nimpl A {\n    // here\n}", InherentImpl),
        ] {
            let line = source.lines().position(|line| line.trim() == here);
            let line = lines(source)[line.expect("a line is marked")];
            assert_eq!(line.scope, expected, "{source}");
        }
    }
}
