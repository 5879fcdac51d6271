//! Compile-fail and compile-pass fixtures: see README.md beside this file for the rules.

mod quality;

#[test]
fn fixtures() {
    let cases = trybuild::TestCases::new();
    for fixture in quality::fixtures() {
        if quality::is_fixed(&fixture) {
            cases.pass(fixture);
        } else {
            cases.compile_fail(fixture);
        }
    }
    cases.pass("ui/*/pass/*.rs");
}
