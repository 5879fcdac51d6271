//! Tests of the structure of the sources: modules use only modules below them, and no two files of a folder use each
//! other. Each file states its purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

/// The modules from the bottom to the top: a module uses only modules before it in the list.
const ORDER: [&str; 26] = [
    "id",
    "time",
    "metrics",
    "http",
    "lenient",
    "claim",
    "session",
    "policy",
    "row",
    "template",
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

/// The maximum number of lines of a file.
const MAX_LINES: usize = 500;

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
            // A test writes this file, as the expansion that a reader can compare with the macro.
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

/// Collects the modules of the crate that a file names: `crate::x` in paths and imports.
#[derive(Default)]
struct Named(BTreeSet<String>);

impl<'ast> Visit<'ast> for Named {
    /// A module's tests may use every module.
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
fn module_uses_only_modules_below_it() {
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
fn each_file_states_its_purpose_and_is_not_long() {
    for folder in [
        "clerk-auth/src",
        "clerk-auth-macros/src",
        "example-app/src",
        "tests/src",
        "tests/browser",
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
                !is_code || lines <= MAX_LINES,
                "{} has {lines} lines",
                file.display()
            );
        }
    }
}

/// The files of a crate as modules, with the imports and paths of each.
struct Sources {
    files: BTreeMap<Vec<String>, Source>,
}

#[derive(Default)]
struct Source {
    /// The names that a file imports, with their paths.
    imports: BTreeMap<String, Vec<String>>,
    /// The paths that a file contains, from the root of the crate.
    paths: BTreeSet<Vec<String>>,
}

/// Collects the paths of one file that lead to other files of its crate.
struct PathsOf<'a> {
    /// The module in which the visitor is: that of the file, and those inside it.
    module: Vec<String>,
    /// The length of the file's own module path.
    file: usize,
    modules: &'a BTreeSet<Vec<String>>,
    source: Source,
}

impl PathsOf<'_> {
    /// Makes a path absolute; `None` if it leads to another crate, or to an item of the file.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (mut base, mut rest) = (self.module.clone(), path);
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            first => {
                base.push(first.to_owned());
                if !self.modules.contains(&base) {
                    return None;
                }
                rest = &rest[1..];
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn import(&mut self, mut path: Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.import(path, &tree.tree);
            }
            syn::UseTree::Name(tree) => {
                let name = tree.ident.to_string();
                if name == "self" {
                    let name = path.last().cloned().unwrap_or_default();
                    self.bring(name, &path);
                } else {
                    path.push(name.clone());
                    self.bring(name, &path);
                }
            }
            syn::UseTree::Rename(tree) => {
                path.push(tree.ident.to_string());
                self.bring(tree.rename.to_string(), &path);
            }
            syn::UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.import(path.clone(), tree);
                }
            }
            syn::UseTree::Glob(_) => self.bring("*".to_owned(), &path),
        }
    }

    fn bring(&mut self, name: String, path: &[String]) {
        if let Some(path) = self.absolute(path) {
            if self.module.len() == self.file {
                self.source.imports.insert(name, path.clone());
            }
            self.source.paths.insert(path);
        }
    }

    /// Finds paths in the input of a macro, which is not a syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                }
                _ => self.end(&mut path),
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1
            && let Some(path) = self.absolute(&path)
        {
            self.source.paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for PathsOf<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" && module.content.is_some() {
            self.module.push(module.ident.to_string());
            syn::visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        if path.leading_colon.is_none()
            && segments.len() > 1
            && let Some(path) = self.absolute(&segments)
        {
            self.source.paths.insert(path);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        syn::visit::visit_macro(self, call);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

impl Sources {
    fn read(folder: &Path) -> Self {
        Self::of(sources(folder).into_iter().filter_map(|file| {
            let inside = file
                .strip_prefix(folder)
                .expect("a file of the crate")
                .with_extension("");
            let mut module: Vec<String> = inside
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            module.retain(|part| part != "lib" && part != "mod");
            let is_test = module.iter().any(|part| part == "tests");
            let text = fs::read_to_string(&file).expect("the file can be read");
            (!is_test).then_some((module, text))
        }))
    }

    /// Reads the texts of modules.
    fn of(texts: impl IntoIterator<Item = (Vec<String>, String)>) -> Self {
        let texts: BTreeMap<Vec<String>, String> = texts.into_iter().collect();
        let modules: BTreeSet<Vec<String>> = texts.keys().cloned().collect();
        let files = texts.into_iter().map(|(module, text)| {
            let mut paths = PathsOf {
                file: module.len(),
                module: module.clone(),
                modules: &modules,
                source: Source::default(),
            };
            paths.visit_file(&syn::parse_file(&text).expect("the file is Rust"));
            (module, paths.source)
        });
        Self {
            files: files.collect(),
        }
    }

    /// Returns the file that defines what a path leads to. A re-export leads on to the file of the item.
    fn file_of(&self, path: &[String], depth: usize) -> Vec<String> {
        let mut file = Vec::new();
        for (place, segment) in path.iter().enumerate() {
            file.push(segment.clone());
            if self.files.contains_key(&file) {
                continue;
            }
            file.pop();
            let Some(source) = self.files.get(&file) else {
                break;
            };
            if let (Some(import), true) = (source.imports.get(segment), depth < 8) {
                let path = [&import[..], &path[place + 1..]].concat();
                return self.file_of(&path, depth + 1);
            }
            break;
        }
        file
    }

    /// Returns the uses between the files of each folder. A sub-folder is one node, together with the file of its name.
    fn folders(&self) -> BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> {
        let mut folders: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (user, source) in &self.files {
            for path in &source.paths {
                let used = self.file_of(path, 0);
                let shared = user
                    .iter()
                    .zip(&used)
                    .take_while(|(one, other)| one == other)
                    .count();
                if let (Some(from), Some(to)) = (user.get(shared), used.get(shared)) {
                    let folder = folders.entry(user[..shared].to_vec()).or_default();
                    folder.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        folders
    }
}

/// Returns the sets of files that reach each other.
fn circles(uses: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reached_from = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut next = vec![start];
        while let Some(file) = next.pop() {
            for used in uses.get(file).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    next.push(used);
                }
            }
        }
        reached
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        uses.keys().map(|file| (file, reached_from(file))).collect();
    let circle = |file: &String| -> BTreeSet<String> {
        let mutual = reach[file]
            .iter()
            .filter(|other| reach.get(other).is_some_and(|reached| reached.contains(file)));
        mutual.cloned().collect()
    };
    uses.keys()
        .map(circle)
        .filter(|circle| circle.len() > 1)
        .collect()
}

#[test]
fn files_of_one_folder_do_not_use_each_other() {
    let mut found = Vec::new();
    for crate_folder in ["clerk-auth/src", "clerk-auth-macros/src"] {
        for (inside, uses) in Sources::read(&root().join(crate_folder)).folders() {
            let folder = [&[crate_folder.to_owned()], &inside[..]].concat().join("/");
            found.extend(circles(&uses).into_iter().map(|circle| (folder.clone(), circle)));
        }
    }
    assert_eq!(found, [], "the circles of files, by folder");
}

#[test]
fn circles_are_found_through_re_exports_macros_and_folders() {
    let uses = |arrows: &[(&str, &str)]| {
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in arrows {
            uses.entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
        }
        uses
    };
    let circle = |files: &[&str]| BTreeSet::from_iter(files.iter().map(|file| (*file).to_owned()));
    assert_eq!(
        circles(&uses(&[("a", "b"), ("b", "c"), ("a", "c")])),
        BTreeSet::new()
    );
    let found = circles(&uses(&[
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
        ("d", "a"),
        ("e", "f"),
        ("f", "e"),
    ]));
    assert_eq!(
        found,
        BTreeSet::from([circle(&["a", "b", "c"]), circle(&["e", "f"])])
    );

    let texts = [
        (&[][..], "mod a; mod b; mod c;"),
        (&["a"], "pub use one::One; mod one; mod two;"),
        (&["a", "one"], "use super::two; pub struct One;"),
        (&["a", "two"], "fn two() { assert!(super::One::new()); }"),
        (
            &["b"],
            "use crate::a::One; use crate::c::{self, deep::C as Renamed};",
        ),
        (&["c"], "mod deep;"),
        (
            &["c", "deep"],
            "mod inner { fn b() -> super::super::super::b::B { unimplemented!() } }",
        ),
    ];
    let found = Sources::of(texts.map(|(module, text)| {
        let module = module.iter().map(|part| (*part).to_owned()).collect();
        (module, text.to_owned())
    }));
    let folders = found.folders();
    assert_eq!(
        circles(&folders[&vec!["a".to_owned()]]),
        BTreeSet::from([circle(&["one", "two"])])
    );
    assert_eq!(
        circles(&folders[&Vec::new()]),
        BTreeSet::from([circle(&["b", "c"])])
    );
}

/// Methods of the engine that every file could call would couple files that do not import each other.
#[test]
fn methods_of_the_engine_outside_its_file_are_private() {
    let folder = root().join("clerk-auth/src/sync");
    for file in sources(&folder) {
        let text = fs::read_to_string(&file).expect("the file can be read");
        for item in syn::parse_file(&text).expect("the file is Rust").items {
            let syn::Item::Impl(block) = item else { continue };
            let syn::Type::Path(of) = &*block.self_ty else {
                continue;
            };
            let is_engine = of
                .path
                .segments
                .last()
                .is_some_and(|segment| segment.ident == "Engine");
            if !is_engine || file.ends_with("engine.rs") {
                continue;
            }
            for method in &block.items {
                let syn::ImplItem::Fn(method) = method else {
                    continue;
                };
                assert!(
                    matches!(method.vis, syn::Visibility::Inherited),
                    "{}: make `{}` a function that is imported",
                    file.display(),
                    method.sig.ident
                );
            }
        }
    }
}

#[test]
fn architecture_names_files_that_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page can be read");
    let folders = ["", "clerk-auth/src", "clerk-auth/src/sync"].map(|folder| root().join(folder));
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.ends_with(".rs"))
        .collect();
    assert!(named.len() > 30, "the walkthroughs name files");
    for name in named {
        // Inside a folder that the page has just named, the end of a path suffices.
        let is_there = |folder: &PathBuf| folder.join(name).is_file();
        assert!(
            folders.iter().any(is_there),
            "ARCHITECTURE.md names `{name}`, which is not there"
        );
    }
}
