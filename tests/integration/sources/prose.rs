//! Tests of the prose of comments and pages: the openings of sentences, and words that a reader has to translate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::layout::{root, sources};

/// Openings that hide the actor of a sentence.
const OPENINGS: [&str; 10] = [
    "Nobody", "Of which", "The same", "What", "Whatever", "Whether", "Who", "Whoever", "Whom", "Whose",
];

/// Openings that refer to a noun before the paragraph.
const REFERENCES: [&str; 3] = ["It", "One", "That"];

/// Words that a comment avoids, and their replacements.
const WORDS: [(&[&str], &str); 6] = [
    (
        &["tell", "tells", "told"],
        "report, return, notify or distinguish",
    ),
    (&["hear", "hears", "heard"], "receive"),
    (&["say", "says", "said"], "contain, state or report"),
    (&["nobody", "whoever"], "name the actor"),
    (&["mend", "mends", "mended"], "fix"),
    (
        &["is none", "are none", "is no", "are no", "unless said"],
        "is not, or by default",
    ),
];

/// The folders of sources.
const SOURCES: [&str; 13] = [
    "clerk-auth/benches",
    "clerk-auth/examples",
    "clerk-auth/fuzz/fuzz_targets",
    "clerk-auth/src",
    "clerk-auth/tests",
    "clerk-auth-macros/src",
    "example-app/src",
    "tests/browser",
    "tests/benches",
    "tests/integration",
    "tests/renamed/src",
    "tests/src",
    "tests/ui",
];

/// The folders of pages.
const PAGES: [&str; 5] = [
    "",
    "clerk-auth/fuzz",
    "clerk-auth/src/docs",
    "clerk-auth/src/guide",
    "tests/ui",
];

/// Paragraphs with a reason to break a rule: the file, and a part of the text.
const ALLOWED: [(&str, &str); 0] = [];

struct Paragraph {
    line: usize,
    text: String,
}

/// Returns the paragraphs of lines, without their code blocks. A heading, an item of a list and a row of a table are
/// paragraphs too.
fn paragraphs<'a>(lines: impl IntoIterator<Item = (usize, &'a str)>) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    let (mut is_code, mut is_open) = (false, false);
    for (line, text) in lines {
        let text = text.trim();
        if text.starts_with("```") {
            is_code = !is_code;
            is_open = false;
        } else if is_code {
            continue;
        } else if text.is_empty() {
            is_open = false;
        } else if let (Some(last), true, false) = (found.last_mut(), is_open, without_marker(text) != text) {
            last.text.push(' ');
            last.text.push_str(text);
        } else {
            is_open = !is_heading(text);
            let text = text.to_owned();
            found.push(Paragraph { line, text });
        }
    }
    found
}

/// Removes the marker of a heading, an item of a list or a row of a table.
fn without_marker(text: &str) -> &str {
    let marker = text.split(' ').next().unwrap_or_default();
    let is_number = marker
        .strip_suffix('.')
        .is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    let is_marker = ["-", "*", "|"].contains(&marker) || is_heading(text) || is_number;
    if is_marker {
        text[marker.len()..].trim_start()
    } else {
        text
    }
}

fn is_heading(text: &str) -> bool {
    let title = text.trim_start_matches('#');
    title.len() < text.len() && title.starts_with(' ')
}

/// Returns the blocks of comments in a source: lines with the same marker, without the marker.
fn comments(source: &str) -> Vec<Vec<(usize, &str)>> {
    let mut blocks: Vec<Vec<(usize, &str)>> = Vec::new();
    let mut open = "";
    for (at, line) in source.lines().enumerate() {
        let line = line.trim_start();
        let marker = ["///", "//!", "//"].into_iter().find(|it| line.starts_with(it));
        if let Some(marker) = marker {
            if open != marker {
                blocks.push(Vec::new());
            }
            let block = blocks.last_mut().expect("a block is open");
            block.push((at + 1, &line[marker.len()..]));
        }
        open = marker.unwrap_or_default();
    }
    blocks
}

/// Replaces code and quotations by a letter, and removes the marks of links and emphasis.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut quote = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if open == letter => {
                plain.push('x');
                quote = None;
            }
            (Some(_), _) | (None, '*' | '[' | '_') => {}
            (None, '`' | '"') => quote = Some(letter),
            (None, ']') => {
                if letters.next_if_eq(&'(').is_some() {
                    while letters.next().is_some_and(|letter| letter != ')') {}
                }
            }
            (None, letter) => plain.push(letter),
        }
    }
    plain
}

fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        if text[..at].ends_with(['.', '!', '?']) {
            found.push(&text[start..at]);
            start = at + 1;
        }
    }
    found.push(&text[start..]);
    found
}

fn opens_with(sentence: &str, opening: &str) -> bool {
    let rest = sentence.strip_prefix(opening);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Returns the faults of a paragraph. A question may open with any word, and so may a heading.
fn faults(paragraph: &str) -> Vec<String> {
    let text = plain(without_marker(paragraph));
    let mut faults = Vec::new();
    for (place, sentence) in sentences(&text).into_iter().enumerate() {
        let references = if place == 0 { &REFERENCES[..] } else { &[] };
        let mut openings = OPENINGS.iter().chain(references);
        if let Some(opening) = openings.find(|opening| opens_with(sentence, opening))
            && !sentence.ends_with('?')
            && !is_heading(paragraph)
        {
            faults.push(format!(
                "a sentence opens with `{opening}`; make the actor its subject"
            ));
        }
    }
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphabetic() && letter != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    for (avoided, better) in WORDS {
        for avoided in avoided {
            let parts: Vec<&str> = avoided.split(' ').collect();
            let is_used = words.windows(parts.len()).enumerate().any(|(at, window)| {
                let follows_there = at > 0 && words[at - 1] == "there";
                window == parts && !(parts.len() == 2 && follows_there)
            });
            if is_used {
                faults.push(format!("`{avoided}` is avoided; {better}"));
            }
        }
    }
    faults
}

/// Returns the sources and pages of the repository.
fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = SOURCES
        .into_iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .collect();
    for folder in PAGES {
        for entry in fs::read_dir(root().join(folder)).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files
}

fn read(file: &Path) -> Vec<Paragraph> {
    let text = fs::read_to_string(file).expect("the file can be read");
    if file.extension().is_some_and(|extension| extension == "md") {
        return paragraphs(text.lines().enumerate().map(|(at, line)| (at + 1, line)));
    }
    comments(&text).into_iter().flat_map(paragraphs).collect()
}

#[test]
fn comments_and_pages_follow_the_rules_of_prose() {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for file in files() {
        let inside = file.strip_prefix(root()).expect("a file of the repository");
        let inside = inside.to_string_lossy().into_owned();
        for Paragraph { line, text } in read(&file) {
            for fault in faults(&text) {
                let allowed = ALLOWED
                    .into_iter()
                    .find(|(file, part)| inside == *file && text.contains(part));
                match allowed {
                    Some((_, part)) => drop(used.insert(part)),
                    None => found.push(format!("{inside}:{line}: {fault}\n    {text}")),
                }
            }
        }
    }
    assert!(found.is_empty(), "{} faults\n{}", found.len(), found.join("\n"));
    let exceptions = ALLOWED.into_iter().map(|(_, part)| part);
    let unused: Vec<&str> = exceptions.filter(|exception| !used.contains(exception)).collect();
    assert!(unused.is_empty(), "exceptions without a fault: {unused:?}");
}

#[test]
fn each_rule_finds_its_fault() {
    let source = [
        "/// Reads a row. Whoever waits, retries.",
        "/// It is kept:",
        "///",
        "/// ```",
        "/// // What is in an example is not read.",
        "/// ```",
        "///",
        "/// - `tell` is code, \"mend\" a quotation, and there is no fault in [a link](https://example.com/says).",
        "/// - That ends.",
        "fn read() {} // What follows code is not read.",
        "// A token that is no JWT. What is the reason?",
        "//! # What a heading contains",
        "//! Rows that hear of",
        "//! changes, unless said otherwise.",
    ]
    .join("\n");
    let found: Vec<(usize, Vec<String>)> = comments(&source)
        .into_iter()
        .flat_map(paragraphs)
        .map(|paragraph| (paragraph.line, faults(&paragraph.text)))
        .filter(|(_, faults)| !faults.is_empty())
        .collect();
    let opening = |word: &str| format!("a sentence opens with `{word}`; make the actor its subject");
    let word = |word: &str, better: &str| format!("`{word}` is avoided; {better}");
    assert_eq!(
        found,
        [
            (1, vec![opening("Whoever"), word("whoever", "name the actor")]),
            (9, vec![opening("That")]),
            (11, vec![word("is no", "is not, or by default")]),
            (
                13,
                vec![
                    word("hear", "receive"),
                    word("said", "contain, state or report"),
                    word("unless said", "is not, or by default"),
                ]
            ),
        ]
    );
}
