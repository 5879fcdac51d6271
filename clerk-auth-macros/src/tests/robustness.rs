//! Tests that the macros return tokens for every input, and never panic.

use proc_macro2::TokenStream;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::select;

use crate::synced_row::RowKind;

const WORDS: [&str; 64] = [
    "struct",
    "enum",
    "User",
    "pub",
    "fn",
    "async",
    "self",
    "&",
    "mut",
    "impl",
    "const",
    "static",
    "unsafe",
    "where",
    "clerk_id",
    "email",
    "first_name",
    "i64",
    "String",
    "Option<String>",
    "Vec<u8>",
    ":",
    ",",
    ";",
    "=",
    "#",
    "->",
    "#[synced_user(table = \"users\", database(postgres))]",
    "#[synced_user]",
    "#[synced_user = 1]",
    "#[claim]",
    "#[claim(\"sub\")]",
    "#[claim(default, required)]",
    "#[column(app)]",
    "#[column(generated, name = \"x\")]",
    "#[column()]",
    "#[claim(with = f)]",
    "table",
    "template",
    "template_json",
    "\"\"",
    "\"{\"",
    "\"{{user.id}}\"",
    "database",
    "(postgres)",
    "(sqlite, sqlite)",
    "version",
    "role",
    "permission",
    "reverification",
    "any",
    "all",
    "policy",
    "state",
    "\"org:admin\"",
    "\"org:a:b\"",
    "7",
    "'a",
    "r#type",
    "..",
    "State<AppState>",
    "Arc<User>",
    "<T>",
    "?",
];

/// Generates words and groups of words. Skips sequences that are not a token stream.
fn tokens() -> impl Strategy<Value = TokenStream> {
    let word = select(&WORDS[..]).prop_map(str::to_owned);
    let group = word.prop_recursive(3, 40, 8, |inner| {
        vec(inner, 0..8).prop_flat_map(|words| {
            let text = words.join(" ");
            prop_oneof![
                Just(format!("({text})")),
                Just(format!("{{{text}}}")),
                Just(format!("[{text}]")),
                Just(text),
            ]
        })
    });
    vec(group, 0..12).prop_filter_map("not a token stream", |words| words.join(" ").parse().ok())
}

/// Generates items that are likely to reach the later stages.
fn structs() -> impl Strategy<Value = TokenStream> {
    let field = (
        select(&WORDS[27..37]),
        select(&["clerk_id", "email", "image_url", "r#type"][..]),
        select(&WORDS[17..21]),
    );
    let template = prop_oneof![
        Just(String::new()),
        ".{0,40}",
        r#"\{"[a-z]{1,3}": "[{}a-z.| ']{0,30}"\}"#
    ];
    (vec(field, 0..4), template).prop_filter_map("not a token stream", |(fields, template)| {
        let fields: String = fields.iter().map(|(attribute, name, ty)| format!("{attribute} {name}: {ty},")).collect();
        let template = proc_macro2::Literal::string(&template);
        format!(
            "#[synced_user(table = \"users\", database(postgres), template_json = {template})] struct User {{ {fields} }}"
        )
        .parse()
        .ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn derive_never_panics(item in tokens()) {
        crate::synced_row::expand(RowKind::User, item);
    }

    #[test]
    fn derive_of_a_struct_never_panics_and_always_implements(item in structs()) {
        let expansion = crate::synced_row::expand(RowKind::User, item).to_string();
        let is_implemented = ["SyncedRow for User", "Inert for User"].iter().any(|it| expansion.contains(it));
        prop_assert!(is_implemented);
    }

    #[test]
    fn attribute_never_panics(arguments in tokens(), item in tokens()) {
        crate::authenticated::expand(arguments, item);
    }

    #[test]
    fn attribute_on_a_handler_always_keeps_it(arguments in tokens(), parameters in tokens()) {
        let item: TokenStream = quote::quote!(async fn handler(#parameters) -> String { body });
        let expansion = crate::authenticated::expand(arguments, item).to_string();
        let kept = expansion.contains("fn handler") && expansion.contains("body }");
        prop_assert!(kept);
    }

    #[test]
    fn template_never_panics(text in any::<String>()) {
        crate::synced_row::read_template(&text);
    }

    #[test]
    fn near_template_never_panics(text in r#"[\[\]{}",:a-z0-9.|' \\-]{0,80}"#) {
        crate::synced_row::read_template(&text);
        crate::synced_row::read_template(&format!(r#"{{"a": "{text}"}}"#));
    }
}
