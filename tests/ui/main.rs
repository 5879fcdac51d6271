//! Compile-fail and compile-pass fixtures: see README.md beside this file for the rules.

mod quality;

#[test]
fn fixtures() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/*.rs");
    cases.pass("ui/*/pass/*.rs");
}
