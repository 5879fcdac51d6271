//! The shape of the sources: modules use only modules below them, and each file says what it is for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// Bottom first: a module uses only modules that stand before it.
const ORDER: [&str; 25] = [
    "id",
    "time",
    "metrics",
    "http",
    "lenient",
    "claim",
    "session",
    "policy",
    "user",
    "token",
    "deny_list",
    "backend_api",
    "schema",
    "webhook",
    "clerk",
    "sync",
    "extract",
    "middleware",
    "routing",
    "testing",
    "dev",
    "guide",
    "__private",
    "tests",
    "lib",
];

/// The most lines of a file, in which a reader still finds a thing.
const LONGEST: usize = 500;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.ends_with("snapshots") {
            // Written by a test, for reading beside the macro.
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The modules of the crate that a file names: `crate::x` in paths and imports.
#[derive(Default)]
struct Named(BTreeSet<String>);

impl<'ast> Visit<'ast> for Named {
    /// A module's own tests may use whatever there is.
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter().map(|segment| segment.ident.to_string());
        if segments.next().as_deref() == Some("crate") {
            self.0.extend(segments.next());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_use_path(&mut self, path: &'ast syn::UsePath) {
        if path.ident == "crate" {
            self.names_of(&path.tree);
        }
    }
}

impl Named {
    fn names_of(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => drop(self.0.insert(path.ident.to_string())),
            syn::UseTree::Name(name) => drop(self.0.insert(name.ident.to_string())),
            syn::UseTree::Rename(rename) => drop(self.0.insert(rename.ident.to_string())),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.names_of(tree)),
            syn::UseTree::Glob(_) => {}
        }
    }
}

fn place(module: &str) -> usize {
    ORDER
        .iter()
        .position(|known| *known == module)
        .unwrap_or_else(|| panic!("the module `{module}` has no place in the order"))
}

#[test]
fn a_module_uses_only_modules_below_it() {
    let source = root().join("clerk-auth/src");
    for file in sources(&source) {
        let inside = file.strip_prefix(&source).expect("a file of the crate");
        let module = inside.iter().next().expect("a name").to_string_lossy();
        let module = module.trim_end_matches(".rs");
        let text = fs::read_to_string(&file).expect("the file can be read");
        let mut named = Named::default();
        named.visit_file(&syn::parse_file(&text).expect("the file is Rust"));
        for used in named.0.iter().filter(|used| *used != module) {
            assert!(
                place(used) < place(module),
                "{}: `{module}` uses `{used}`, which is above it",
                inside.display()
            );
        }
    }
}

#[test]
fn each_file_says_what_it_is_for_and_is_not_long() {
    for folder in [
        "clerk-auth/src",
        "clerk-auth-macros/src",
        "example-app/src",
        "tests/src",
        "tests/integration",
    ] {
        for file in sources(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("the file can be read");
            assert!(
                text.starts_with("//! "),
                "{} does not say what it is for",
                file.display()
            );
            let lines = text.lines().count();
            let is_code = !folder.starts_with("tests");
            assert!(
                !is_code || lines <= LONGEST,
                "{} has {lines} lines",
                file.display()
            );
        }
    }
}
