//! Lists every method of axum's routers, with its form on the guarded routers. A method that a later version of axum
//! adds fails a test until a maintainer has classified it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The form of axum's method on the guarded router.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// The method mounts only guarded handlers; a fixture shows that anything else does not compile.
    Guarded,
    /// The method mounts nothing.
    MountsNothing,
    /// The guarded router does not have it.
    Absent,
}

use Form::{Absent, Guarded, MountsNothing};

const ROUTER: [(&str, Form); 19] = [
    ("new", MountsNothing),
    ("without_v07_checks", MountsNothing),
    ("route", Guarded),
    ("route_service", Guarded),
    ("nest", Guarded),
    ("nest_service", Guarded),
    ("merge", Guarded),
    ("layer", MountsNothing), // what a layer answers by itself is exempt
    ("route_layer", MountsNothing),
    ("has_routes", MountsNothing),
    ("fallback", Guarded),
    ("fallback_service", Guarded),
    ("method_not_allowed_fallback", Guarded),
    ("reset_fallback", MountsNothing),
    ("with_state", MountsNothing),
    ("as_service", MountsNothing),
    ("into_service", MountsNothing),
    ("into_make_service", MountsNothing),
    ("into_make_service_with_connect_info", MountsNothing),
];

const METHOD_ROUTER: [(&str, Form); 30] = [
    ("new", MountsNothing),
    ("on", Guarded),
    ("connect", Guarded),
    ("delete", Guarded),
    ("get", Guarded),
    ("head", Guarded),
    ("options", Guarded),
    ("patch", Guarded),
    ("post", Guarded),
    ("put", Guarded),
    ("trace", Guarded),
    ("fallback", Guarded),
    ("on_service", Guarded),
    ("connect_service", Guarded),
    ("delete_service", Guarded),
    ("get_service", Guarded),
    ("head_service", Guarded),
    ("options_service", Guarded),
    ("patch_service", Guarded),
    ("post_service", Guarded),
    ("put_service", Guarded),
    ("trace_service", Guarded),
    ("fallback_service", Guarded),
    ("merge", Guarded),
    ("layer", MountsNothing),
    ("route_layer", MountsNothing),
    ("with_state", MountsNothing),
    ("handle_error", Absent),      // a layer: `.layer(HandleErrorLayer::new(…))`
    ("into_make_service", Absent), // of axum's type, into which it converts
    ("into_make_service_with_connect_info", Absent),
];

/// The free functions of axum that create a method router.
const FUNCTIONS: [&str; 22] = [
    "any",
    "any_service",
    "connect",
    "connect_service",
    "delete",
    "delete_service",
    "get",
    "get_service",
    "head",
    "head_service",
    "on",
    "on_service",
    "options",
    "options_service",
    "patch",
    "patch_service",
    "post",
    "post_service",
    "put",
    "put_service",
    "trace",
    "trace_service",
];

/// The traits of the guarded routers. None of them returns a reference to axum's type, or mounts anything.
const TRAITS: [&str; 4] = ["Clone", "Debug", "Default", "Service"];

/// Traits that the module implements for the guarded routers, sealed.
const OWN_TRAITS: [&str; 3] = ["GuardedRouter", "Routes", "Sealed"];

fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").to_owned()
}

/// Returns the source folder of the axum version that the library is built with; the tests also depend on an earlier
/// one.
fn axum() -> PathBuf {
    // The metadata is limited to this platform, because packages of other platforms may not have been downloaded.
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform",
        ])
        .arg(host.expect("a host"))
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let id_of_ours = packages.iter().find(|package| package["name"] == "clerk-auth");
    let id_of_ours = &id_of_ours.expect("the library")["id"];
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let ours = nodes.iter().find(|node| node["id"] == *id_of_ours);
    let dependencies = ours.expect("the library")["deps"].as_array();
    let dependencies = dependencies.expect("dependencies");
    let axum = dependencies
        .iter()
        .find(|dependency| dependency["name"] == "axum");
    let axum = &axum.expect("the library uses axum")["pkg"];
    let package = packages.iter().find(|package| package["id"] == *axum);
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.expect("a manifest");
    Path::new(manifest)
        .parent()
        .expect("a folder")
        .join("src/routing")
}

fn parse(path: &Path) -> syn::File {
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    syn::parse_file(&source).expect("the file is Rust")
}

fn self_name(item: &syn::ItemImpl) -> Option<String> {
    let syn::Type::Path(path) = &*item.self_ty else {
        return None;
    };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

/// Returns the public methods of a type, including those that a macro in the `impl` writes: its first argument is the
/// name.
fn methods(file: &syn::File, ty: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in &file.items {
        let syn::Item::Impl(item) = item else { continue };
        if item.trait_.is_some() || self_name(item).as_deref() != Some(ty) {
            continue;
        }
        for item in &item.items {
            match item {
                syn::ImplItem::Fn(method) if matches!(method.vis, syn::Visibility::Public(_)) => {
                    found.insert(method.sig.ident.to_string());
                }
                syn::ImplItem::Macro(invocation) => {
                    let first = invocation.mac.tokens.clone().into_iter().next();
                    found.insert(first.expect("a name").to_string());
                }
                _ => {}
            }
        }
    }
    found
}

/// Returns the last path segments of the traits that are implemented for a type, or that convert to or from it.
fn traits(file: &syn::File, ty: &str) -> BTreeSet<String> {
    let impls = file.items.iter().filter_map(|item| match item {
        syn::Item::Impl(item) => Some(item),
        _ => None,
    });
    impls
        .filter(|item| self_name(item).as_deref() == Some(ty))
        .filter_map(|item| item.trait_.as_ref())
        .filter_map(|implemented| implemented.0.segments.last())
        .map(|segment| segment.ident.to_string())
        .collect()
}

/// Returns the sources of the guarded routers.
fn guarded() -> BTreeMap<String, syn::File> {
    let folder = workspace().join("clerk-auth/src/routing");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.insert(name, parse(&path));
    }
    files
}

fn known(table: &[(&str, Form)]) -> BTreeSet<String> {
    table.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[test]
fn every_method_of_axums_routers_is_known() {
    let axum = axum();
    assert_eq!(methods(&parse(&axum.join("mod.rs")), "Router"), known(&ROUTER));
    let method_router = parse(&axum.join("method_routing.rs"));
    assert_eq!(methods(&method_router, "MethodRouter"), known(&METHOD_ROUTER));
    let functions: BTreeSet<String> = method_router
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Fn(function) if matches!(function.vis, syn::Visibility::Public(_)) => {
                Some(function.sig.ident.to_string())
            }
            syn::Item::Macro(invocation) if invocation.ident.is_none() => {
                let first = invocation.mac.tokens.clone().into_iter().next();
                first.map(|name| name.to_string())
            }
            _ => None,
        })
        .collect();
    assert_eq!(functions, FUNCTIONS.map(str::to_owned).into());
}

/// A method is one of axum's, in the form that the table lists, or its name begins with `public`.
#[test]
fn guarded_routers_have_no_other_methods() {
    let files = guarded();
    for (file, ty, table) in [
        ("router.rs", "Router", ROUTER.as_slice()),
        ("method_router.rs", "MethodRouter", METHOD_ROUTER.as_slice()),
    ] {
        let ours = methods(&files[file], ty);
        let expected: BTreeSet<String> = table
            .iter()
            .filter(|(_, form)| *form != Absent)
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let without_the_word = ours.iter().filter(|name| !name.starts_with("public"));
        assert_eq!(
            without_the_word.cloned().collect::<BTreeSet<_>>(),
            expected,
            "{ty}"
        );
    }
    let public: BTreeSet<String> = methods(&files["router.rs"], "Router")
        .into_iter()
        .filter(|name| name.starts_with("public"))
        .collect();
    let named = ROUTER
        .iter()
        .filter(|(_, form)| *form == Guarded)
        .map(|(name, _)| match *name {
            "route" => "public".to_owned(),
            "route_service" => "public_service".to_owned(),
            name => format!("public_{name}"),
        });
    assert_eq!(public, named.collect());
}

/// `Deref`, `AsRef`, `AsMut`, `Borrow` and `Handler` would bypass the guard; so would `From` of axum's types.
#[test]
fn guarded_routers_implement_no_other_traits() {
    for (file, source) in guarded() {
        for ty in ["Router", "MethodRouter"] {
            let is_own = |name: &String| OWN_TRAITS.contains(&name.as_str());
            let conversions = usize::from(
                file == format!("{}.rs", if ty == "Router" { "router" } else { "method_router" }),
            );
            let found = traits(&source, ty);
            let others: Vec<&String> = found
                .iter()
                .filter(|name| !TRAITS.contains(&name.as_str()) && !is_own(name))
                .collect();
            // The one `From` has axum's type as `Self`, whose last word is the same.
            assert_eq!(others, vec!["From"; conversions], "{ty} in {file}");
        }
        for item in &source.items {
            if let syn::Item::Impl(item) = item
                && let Some(implemented) = &item.trait_
                && implemented
                    .0
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "From")
            {
                let syn::Type::Path(target) = &*item.self_ty else {
                    panic!("{file}")
                };
                let first = target.path.segments.first().expect("a segment");
                assert!(
                    ["axum", "routing"].iter().any(|module| first.ident == module),
                    "{file}"
                );
            }
        }
    }
}

/// For each guarded method, a fixture calls it with an unguarded argument, and rustc reports the error.
#[test]
fn each_guarded_method_has_a_fixture() {
    let folder = workspace().join("tests/ui/routing");
    let fixtures: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| {
            let source = fs::read_to_string(&path).ok()?;
            Some((source, fs::read_to_string(path.with_extension("stderr")).ok()?))
        })
        .collect();
    // rustc shortens an unambiguous path.
    let refused = |bound: &str, call: &str| {
        let bounds = ["in `", "::"].map(|before| format!("{before}{bound}`"));
        fixtures.iter().any(|(source, stderr)| {
            source.contains(call)
                && stderr.contains("can be reached without signing in")
                && bounds.iter().any(|bound| stderr.contains(bound))
        })
    };
    for (ty, table) in [
        ("Router", ROUTER.as_slice()),
        ("MethodRouter", METHOD_ROUTER.as_slice()),
    ] {
        for (name, _) in table.iter().filter(|(_, form)| *form == Guarded) {
            let bound = format!("{ty}::<S>::{name}");
            assert!(
                refused(&bound, &format!(".{name}(")),
                "no fixture calls `{ty}::{name}`"
            );
        }
    }
    for name in FUNCTIONS {
        assert!(refused(name, &format!("{name}(")), "no fixture calls `{name}`");
    }
}
