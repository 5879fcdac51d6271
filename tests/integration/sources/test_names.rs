//! Tests of the names of tests: the form `subject_condition_outcome`, and existing tests in the documentation's
//! guarantees.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::TokenTree;
use syn::visit::Visit;

use crate::sources::layout::{root, sources};

/// First words that do not name a subject.
const OPENINGS: [&str; 15] = [
    "a", "an", "as", "it", "nobody", "nor", "of", "that", "the", "then", "what", "where", "who", "whom",
    "whose",
];

/// Words that names avoid, as comments do.
const WORDS: [&str; 10] = [
    "heard", "hears", "mended", "nobody", "said", "says", "tell", "tells", "told", "whoever",
];

/// The names of a file's tests.
#[derive(Default)]
struct Tests(BTreeSet<String>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let is_test = |attribute: &syn::Attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| segment.ident == "test")
        };
        if function.attrs.iter().any(is_test) {
            self.0.insert(function.sig.ident.to_string());
        }
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let is_suite = call.path.segments.last();
        if is_suite.is_some_and(|segment| segment.ident == "on_both_databases") {
            // Each entry is `name` or, for a test with settings, `name: settings`.
            let mut follows_comma = true;
            for token in call.tokens.clone() {
                match token {
                    TokenTree::Ident(name) if follows_comma => {
                        self.0.insert(name.to_string());
                        follows_comma = false;
                    }
                    TokenTree::Punct(punct) => follows_comma = [',', ';'].contains(&punct.as_char()),
                    _ => {}
                }
            }
        }
    }
}

fn tests_of(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).expect("the file can be read");
    let mut tests = Tests::default();
    // A fixture may be invalid Rust; fixtures contain no tests.
    if let Ok(file) = syn::parse_file(&text) {
        tests.visit_file(&file);
    }
    tests.0
}

fn fault(name: &str) -> Option<&str> {
    let mut words = name.split('_');
    let opening = words.clone().next().filter(|first| OPENINGS.contains(first));
    opening.or_else(|| words.find(|word| WORDS.contains(word)))
}

#[test]
fn test_name_begins_with_its_subject() {
    let mut found = Vec::new();
    let mut count = 0;
    for folder in ["clerk-auth", "clerk-auth-macros", "example-app", "tests"] {
        for file in sources(&root().join(folder)) {
            for name in tests_of(&file) {
                count += 1;
                if let Some(word) = fault(&name) {
                    found.push(format!("{}: `{name}` has the word `{word}`", file.display()));
                }
            }
        }
    }
    assert!(count > 600, "{count} tests are found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn guarantee_names_tests_that_exist() {
    let tests = root().join("tests/integration");
    let mut names = BTreeSet::new();
    for file in sources(&tests) {
        let inside = file.strip_prefix(&tests).expect("a file of the tests");
        let parts = inside.with_extension("");
        let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
        let module = parts.join("::");
        names.extend(
            tests_of(&file)
                .into_iter()
                .map(|test| format!("{module}::{test}")),
        );
        names.insert(module);
    }
    let text = fs::read_to_string(root().join("clerk-auth/src/docs/sync.md")).expect("the page can be read");
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("| guarantee "))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() > 10, "the table of guarantees has rows");
    for row in rows {
        let cell = row.trim_end_matches(['|', ' ']).rsplit('|').next();
        let named: Vec<&str> = cell
            .into_iter()
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .collect();
        assert!(!named.is_empty(), "a guarantee names its tests: {row}");
        for name in named {
            assert!(names.contains(name), "`{name}` is not in tests/integration");
        }
    }
}

#[test]
fn names_without_a_subject_are_found() {
    for (name, word) in [
        ("a_row_is_read", Some("a")),
        ("who_signs_up_has_a_row", Some("who")),
        ("process_that_is_told_reads", Some("told")),
        ("row_is_read", None),
        ("atomic_write_says_nothing", Some("says")),
    ] {
        assert_eq!(fault(name), word, "{name}");
    }
    let source = "mod tests { #[tokio::test(start_paused = true)] async fn one() {} fn helper() {} #[test] fn two() {} }
        on_both_databases!(three, four,);";
    let mut tests = Tests::default();
    tests.visit_file(&syn::parse_file(source).expect("the source is Rust"));
    assert_eq!(
        tests.0,
        BTreeSet::from(["four", "one", "three", "two"].map(String::from))
    );
}
