//! Tests of the public surface: few foreign crates in signatures, errors that either print or return their cause, and
//! structs that can gain fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Attribute, Fields, Item, Meta, Token, Visibility};

use crate::sources::layout::{root, sources};

/// The crates whose types a signature may contain. A major version of one of them requires a major version of this
/// library.
const FOREIGN: [&str; 10] = [
    "axum",
    "chrono",
    "serde",
    "serde_json",
    "sqlx",
    "time",
    "tower_layer",
    "tower_service",
    "url",
    "uuid",
];

/// Structs that applications match or create with all fields.
const COMPLETE: [&str; 1] = ["Synced"];

struct Source {
    name: String,
    file: syn::File,
}

/// Returns the modules of the library without its tests. `__private` is only for generated code.
fn library() -> Vec<Source> {
    let folder = root().join("clerk-auth/src");
    let files = sources(&folder).into_iter().map(|path| {
        let name = path.strip_prefix(&folder).expect("a file of the crate");
        let text = fs::read_to_string(&path).expect("the file can be read");
        Source {
            name: name.display().to_string(),
            file: syn::parse_file(&text).expect("the file is Rust"),
        }
    });
    files
        .filter(|source| !source.name.contains("tests") && !source.name.starts_with("__private"))
        .collect()
}

fn dependencies() -> BTreeSet<String> {
    let manifest =
        fs::read_to_string(root().join("clerk-auth/Cargo.toml")).expect("the manifest can be read");
    let (_, rest) = manifest
        .split_once("[dependencies]")
        .expect("the crate has dependencies");
    let (list, _) = rest.split_once("\n[").expect("another section follows");
    let names = list.lines().filter_map(|line| line.split(['.', ' ']).next());
    names
        .filter(|name| !name.is_empty() && *name != "clerk-auth-macros")
        .map(|name| name.replace('-', "_"))
        .collect()
}

/// Collects the names that a file imports from dependencies, with their crates.
fn imports(
    tree: &syn::UseTree,
    krate: Option<&str>,
    dependencies: &BTreeSet<String>,
    found: &mut BTreeMap<String, String>,
) {
    match tree {
        syn::UseTree::Path(path) => {
            let name = path.ident.to_string();
            let krate = krate.map_or(name, str::to_owned);
            imports(&path.tree, Some(&krate), dependencies, found);
        }
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                imports(tree, krate, dependencies, found);
            }
        }
        syn::UseTree::Name(name) => {
            if let Some(krate) = krate.filter(|krate| dependencies.contains(*krate)) {
                found.insert(name.ident.to_string(), krate.to_owned());
            }
        }
        syn::UseTree::Rename(name) => {
            if let Some(krate) = krate.filter(|krate| dependencies.contains(*krate)) {
                found.insert(name.rename.to_string(), krate.to_owned());
            }
        }
        syn::UseTree::Glob(_) => {}
    }
}

/// Finds the foreign crates of the paths in a signature.
struct Crates<'a> {
    imported: &'a BTreeMap<String, String>,
    dependencies: &'a BTreeSet<String>,
    found: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Crates<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            let first = first.ident.to_string();
            if let Some(krate) = self.imported.get(&first) {
                self.found.insert(krate.clone());
            } else if path.segments.len() > 1 && self.dependencies.contains(&first) {
                self.found.insert(first);
            }
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_block(&mut self, _: &'ast syn::Block) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn visit_fields(fields: &Fields, all: bool, crates: &mut Crates<'_>) {
    for field in fields.iter().filter(|field| all || is_public(&field.vis)) {
        crates.visit_type(&field.ty);
    }
}

/// Visits the parts of an item that other crates can name.
fn visit_surface(item: &Item, public_types: &BTreeSet<String>, crates: &mut Crates<'_>) {
    match item {
        Item::Fn(function) if is_public(&function.vis) => crates.visit_signature(&function.sig),
        Item::Struct(item) if is_public(&item.vis) => {
            crates.visit_generics(&item.generics);
            visit_fields(&item.fields, false, crates);
        }
        Item::Enum(item) if is_public(&item.vis) => {
            for variant in &item.variants {
                visit_fields(&variant.fields, true, crates);
            }
        }
        Item::Trait(item) if is_public(&item.vis) => crates.visit_item_trait(item),
        Item::Type(item) if is_public(&item.vis) => crates.visit_type(&item.ty),
        Item::Const(item) if is_public(&item.vis) => crates.visit_type(&item.ty),
        Item::Use(item) if is_public(&item.vis) => {
            let mut named = BTreeMap::new();
            imports(&item.tree, None, crates.dependencies, &mut named);
            crates.found.extend(named.into_values());
        }
        Item::Impl(block) => visit_impl(block, public_types, crates),
        _ => {}
    }
}

fn visit_impl(block: &syn::ItemImpl, public_types: &BTreeSet<String>, crates: &mut Crates<'_>) {
    let syn::Type::Path(of) = &*block.self_ty else {
        return;
    };
    let is_visible = |name: &syn::PathSegment| public_types.contains(&name.ident.to_string());
    if !of.path.segments.last().is_some_and(is_visible) {
        return;
    }
    if let Some((path, _)) = &block.trait_ {
        crates.visit_generics(&block.generics);
        crates.visit_path(path);
    }
    for item in &block.items {
        if let syn::ImplItem::Fn(method) = item
            && is_public(&method.vis)
        {
            crates.visit_signature(&method.sig);
        }
    }
}

/// Returns the foreign crates in the signatures of a file that are not allowed.
fn foreign(file: &syn::File, dependencies: &BTreeSet<String>) -> BTreeSet<String> {
    let mut imported = BTreeMap::new();
    let mut public_types = BTreeSet::new();
    for item in &file.items {
        match item {
            Item::Use(item) => imports(&item.tree, None, dependencies, &mut imported),
            Item::Struct(item) if is_public(&item.vis) => drop(public_types.insert(item.ident.to_string())),
            Item::Enum(item) if is_public(&item.vis) => drop(public_types.insert(item.ident.to_string())),
            _ => {}
        }
    }
    let mut crates = Crates {
        imported: &imported,
        dependencies,
        found: BTreeSet::new(),
    };
    for item in &file.items {
        visit_surface(item, &public_types, &mut crates);
    }
    crates.found.retain(|krate| !FOREIGN.contains(&krate.as_str()));
    crates.found
}

#[test]
fn signature_has_types_of_few_foreign_crates() {
    let dependencies = dependencies();
    assert!(dependencies.contains("reqwest") && dependencies.contains("quick_cache"));
    for allowed in FOREIGN {
        assert!(dependencies.contains(allowed), "`{allowed}` is not a dependency");
    }
    let found: Vec<(String, BTreeSet<String>)> = library()
        .iter()
        .map(|source| (source.name.clone(), foreign(&source.file, &dependencies)))
        .filter(|(_, crates)| !crates.is_empty())
        .collect();
    assert_eq!(found, [], "crates whose types are in a public signature");
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

fn derives_error(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
        .any(|derive| {
            let paths = derive.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
            paths.is_ok_and(|paths| {
                paths
                    .iter()
                    .any(|path| path.segments.last().is_some_and(|last| last.ident == "Error"))
            })
        })
}

/// Returns whether an error both prints a field and returns it as its source.
fn prints_its_source(attributes: &[Attribute], fields: &Fields) -> bool {
    let source = fields.iter().enumerate().find(|(_, field)| {
        let is_named_source = field.ident.as_ref().is_some_and(|name| name == "source");
        is_named_source || has(&field.attrs, "source") || has(&field.attrs, "from")
    });
    let Some((place, field)) = source else {
        return false;
    };
    let name = field
        .ident
        .as_ref()
        .map_or(place.to_string(), ToString::to_string);
    let message = attributes
        .iter()
        .find(|attribute| attribute.path().is_ident("error"));
    let Some(Meta::List(message)) = message.map(|attribute| &attribute.meta) else {
        return false;
    };
    let message = message.tokens.to_string();
    let shown = [
        format!("{{{name}}}"),
        format!("{{{name}:"),
        format!(".{name}"),
        format!(". {name}"),
    ];
    message != "transparent" && shown.iter().any(|shown| message.contains(shown.as_str()))
}

/// Returns the errors of a file that both print and return their source.
fn printed_sources(file: &syn::File) -> Vec<String> {
    let mut found = Vec::new();
    for item in &file.items {
        match item {
            Item::Struct(item)
                if derives_error(&item.attrs) && prints_its_source(&item.attrs, &item.fields) =>
            {
                found.push(item.ident.to_string());
            }
            Item::Enum(item) if derives_error(&item.attrs) => {
                let variants = item.variants.iter();
                let printed = variants.filter(|variant| prints_its_source(&variant.attrs, &variant.fields));
                found.extend(printed.map(|variant| format!("{}::{}", item.ident, variant.ident)));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn error_prints_its_cause_or_returns_it() {
    let sources = library();
    let found: Vec<String> = sources
        .iter()
        .flat_map(|source| printed_sources(&source.file))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    // Only thiserror implements `source`.
    for source in &sources {
        for item in &source.file.items {
            if let Item::Impl(block) = item
                && let Some((path, _)) = &block.trait_
                && path.segments.last().is_some_and(|last| last.ident == "Error")
            {
                assert!(
                    block.items.is_empty(),
                    "{}: derive the error, or print the cause",
                    source.name
                );
            }
        }
    }
}

/// Returns the public structs and error enums of a file that cannot gain a field or a variant.
fn complete(file: &syn::File) -> Vec<String> {
    let mut found = Vec::new();
    for item in &file.items {
        match item {
            Item::Struct(item) => {
                let is_open =
                    !item.fields.is_empty() && item.fields.iter().all(|field| is_public(&field.vis));
                if is_public(&item.vis) && is_open && !has(&item.attrs, "non_exhaustive") {
                    found.push(item.ident.to_string());
                }
            }
            Item::Enum(item)
                if derives_error(&item.attrs)
                    && is_public(&item.vis)
                    && !has(&item.attrs, "non_exhaustive") =>
            {
                found.push(item.ident.to_string());
            }
            _ => {}
        }
    }
    found
}

#[test]
fn struct_with_public_fields_can_grow() {
    let mut found: BTreeSet<String> = library()
        .iter()
        .flat_map(|source| complete(&source.file))
        .collect();
    for known in &COMPLETE {
        assert!(found.remove(*known), "`{known}` is no exception any more");
    }
    assert_eq!(found, BTreeSet::new(), "add `#[non_exhaustive]`");
}

#[test]
fn faults_of_the_surface_are_found() {
    let source = r#"
        use reqwest::{Error as HttpError, Client};
        use std::sync::Arc;
        pub struct Api { pub timeout: Option<Arc<u8>>, client: Client }
        #[derive(Debug, thiserror::Error)]
        pub enum Failed {
            #[error("{0}")]
            Http(#[from] HttpError),
            #[error("it failed: {source}")]
            Named { source: std::io::Error },
            #[error("it failed: {}", text(.0))]
            Shown(#[source] std::io::Error),
            #[error(transparent)]
            Forward(#[from] std::io::Error),
            #[error("it failed")]
            Returned(#[source] std::io::Error),
            #[error("it failed: {0}")]
            Printed(std::io::Error),
        }
        pub struct Row { pub id: i64 }
        impl From<quick_cache::Error> for Failed {}
        pub(crate) fn inside(_: &Client) {}
    "#;
    let file = syn::parse_file(source).expect("the source is Rust");
    let dependencies = BTreeSet::from(["quick_cache", "reqwest"].map(String::from));
    assert_eq!(foreign(&file, &dependencies), dependencies);
    assert_eq!(
        printed_sources(&file),
        ["Failed::Http", "Failed::Named", "Failed::Shown"]
    );
    assert_eq!(complete(&file), ["Failed", "Row"]);
}
