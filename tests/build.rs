//! Lists the fixtures that compile as modules of the UI test, so that they share its dependencies and one compilation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=ui");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("ui");
    let mut modules = String::new();
    for class in entries(&root).into_iter().filter(|path| path.is_dir()) {
        let mut forms: Vec<PathBuf> = entries(&class);
        forms.retain(|path| path.to_string_lossy().ends_with(".fixed.rs"));
        writeln!(modules, "mod {} {{", name_of(&class)).expect("a string takes it");
        for form in forms {
            module(&mut modules, &form);
        }
        for form in entries(&class.join("pass")) {
            module(&mut modules, &form);
            writeln!(
                modules,
                "#[test] fn {0}_runs() {{ {0}::main(); }}",
                name_of(&form)
            )
            .expect("a string takes it");
        }
        modules.push_str("}\n");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("forms.rs");
    fs::write(out, modules).expect("the folder of the build can be written");
}

/// Declares the module of a form, without warnings: unused items and this workspace's lints are not its subject. A form
/// may deny warnings about itself.
fn module(modules: &mut String, form: &Path) {
    writeln!(
        modules,
        "#[allow(warnings, clippy::all, clippy::pedantic)] #[path = {form:?}] mod {};",
        name_of(form)
    )
    .expect("a string takes it");
}

/// Returns the file's name without its extensions.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Returns the paths in a folder, sorted. Returns an empty list if the folder does not exist.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| {
            entries
                .map(|entry| entry.expect("the entry can be read").path())
                .collect()
        })
        .unwrap_or_default();
    paths.sort();
    paths
}
