//! Checks the requirements on every message, over all fixtures.

use std::fs;
use std::path::{Path, PathBuf};

/// The names after which rustc would underline the whole item.
const WHOLE_ITEMS: [&str; 4] = [
    "#[derive(",
    "SyncedUser)]",
    "SyncedOrganization)]",
    "#[authenticated",
];

#[test]
fn each_mistake_is_one_error_under_the_users_token_with_a_remedy() {
    let mut judged = 0;
    let mut faults = Vec::new();
    for fixture in fixtures().into_iter().filter(|fixture| !is_fixed(fixture)) {
        let source = fs::read_to_string(&fixture).expect("the fixture can be read");
        let expected = fs::read_to_string(fixture.with_extension("stderr")).unwrap_or_default();
        judged += 1;
        for fault in faults_of(&source, &expected) {
            faults.push(format!("{}: {fault}", fixture.display()));
        }
    }
    println!("judged the messages of {judged} fixtures");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_fixed_form_is_its_mistake_with_a_small_change() {
    let mut forms = 0;
    for fixed in fixtures().into_iter().filter(|fixture| is_fixed(fixture)) {
        let mistake = PathBuf::from(fixed.to_string_lossy().replace(FIXED, ".rs"));
        let read = |path: &Path| fs::read_to_string(path).expect("a fixed form stands beside its mistake");
        let (before, after) = (read(&mistake), read(&fixed));
        let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
        let same =
            |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
        let start = same(&mut before.iter().zip(&after));
        let end = same(&mut before[start..].iter().rev().zip(after[start..].iter().rev()));
        let (removed, added) = (before.len() - start - end, after.len() - start - end);
        assert!(
            (1..=2).contains(&removed.max(added)),
            "{}: {removed} lines became {added}",
            fixed.display()
        );
        forms += 1;
    }
    println!("{forms} suggested forms stand beside their mistakes");
    assert!(forms >= 20, "only {forms} suggested forms");
}

/// The ending of a fixture's name that shows the suggested form.
const FIXED: &str = ".fixed.rs";

pub(crate) fn is_fixed(fixture: &Path) -> bool {
    fixture.to_string_lossy().ends_with(FIXED)
}

/// The fixtures of mistakes, and their fixed forms, relative to the package.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let mut fixtures: Vec<PathBuf> = directories(Path::new("ui"))
        .iter()
        .flat_map(|class| fs::read_dir(class).expect("the folder can be read"))
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    fixtures.sort();
    fixtures
}

fn directories(root: &Path) -> Vec<PathBuf> {
    fs::read_dir(root)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| path.is_dir())
        .collect()
}

fn faults_of(source: &str, expected: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mistakes = source
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("// mistakes: "))
        .map_or(1, |count| count.parse().expect("a count"));
    let errors: Vec<&str> = split_errors(expected);
    if errors.len() != mistakes {
        faults.push(format!("{} errors for {mistakes} mistakes", errors.len()));
    }
    if expected.lines().any(|line| line.starts_with("warning")) {
        faults.push("a warning beside the error".to_owned());
    }
    for error in errors {
        let message = error.lines().next().unwrap_or_default();
        let rustcs_own = ["error[E0425]", "error[E0412]", "error: expected type, found"]
            .iter()
            .any(|code| message.starts_with(code));
        if !rustcs_own && !["help: ", "note: "].iter().any(|word| error.contains(word)) {
            faults.push(format!("no remedy: {message}"));
        }
        let underlined = underlined(error);
        if underlined.is_empty() || WHOLE_ITEMS.iter().any(|item| underlined.contains(item)) {
            faults.push(format!("not under the user's token: {message}"));
        }
    }
    faults
}

/// Returns the errors of a `.stderr`, each from its first line to the line before the next.
fn split_errors(expected: &str) -> Vec<&str> {
    let starts: Vec<usize> = expected
        .match_indices("error")
        .map(|(at, _)| at)
        .filter(|at| {
            (*at == 0 || expected.as_bytes()[at - 1] == b'\n') && !expected[*at..].starts_with("error: could")
        })
        .collect();
    let ends = starts.iter().skip(1).copied().chain([expected.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &expected[*start..end])
        .collect()
}

/// The source text above the first row of carets.
fn underlined(error: &str) -> String {
    let lines: Vec<&str> = error.lines().collect();
    let Some(row) = lines
        .iter()
        .position(|line| line.contains("| ") && line.contains('^'))
    else {
        return String::new();
    };
    let (start, end) = (lines[row].find('^'), lines[row].rfind('^'));
    let (Some(start), Some(end), true) = (start, end, row > 0) else {
        return String::new();
    };
    lines[row - 1].chars().skip(start).take(end + 1 - start).collect()
}
