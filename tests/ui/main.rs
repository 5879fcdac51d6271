//! Compile-fail and compile-pass fixtures: see README.md beside this file for the rules.

mod quality;

/// The fixtures that compile: suggested forms, and the files of `pass`, whose `main` is a test.
mod forms {
    include!(concat!(env!("OUT_DIR"), "/forms.rs"));
}

// Only mistakes: with a fixture that must compile among them, trybuild would call cargo once per fixture.
#[test]
fn fixtures() {
    let cases = trybuild::TestCases::new();
    for fixture in quality::fixtures() {
        if !quality::is_fixed(&fixture) {
            cases.compile_fail(fixture);
        }
    }
}
