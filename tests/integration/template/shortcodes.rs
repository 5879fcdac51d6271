//! Tests that the derive and the run-time evaluator support the same shortcodes, with the same kinds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clerk_auth::claim::{Expression, shortcodes};
use clerk_auth::template::shortcode_sizes;
use serde_json::{Value, json};
use syn::visit::Visit;

/// Collects the rows of the derive's table.
#[derive(Default)]
struct Table(BTreeMap<String, Row>);

struct Row {
    kind: String,
    nullable: bool,
    /// The largest size in bytes, without quotes.
    bytes: usize,
}

impl<'ast> Visit<'ast> for Table {
    fn visit_expr_tuple(&mut self, tuple: &'ast syn::ExprTuple) {
        let mut parts = tuple.elems.iter();
        if let (
            Some(syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(name),
                ..
            })),
            Some(syn::Expr::Call(call)),
        ) = (parts.next(), parts.next())
        {
            let kind = match &call.args[0] {
                syn::Expr::Path(kind) => kind.path.segments.last().expect("a kind").ident.to_string(),
                _ => panic!("the first argument of `{}` is no kind", name.value()),
            };
            let nullable = match call.args.get(1) {
                Some(syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Bool(nullable),
                    ..
                })) => nullable.value,
                // Shortcodes of a session are always nullable.
                _ => true,
            };
            let bytes = call.args.iter().find_map(|argument| match argument {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Int(bytes),
                    ..
                }) => bytes.base10_parse().ok(),
                _ => None,
            });
            let row = Row {
                kind,
                nullable,
                // The value that `session` sets.
                bytes: bytes.unwrap_or(100),
            };
            self.0.insert(name.value(), row);
        }
    }
}

fn derives_table() -> BTreeMap<String, Row> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = tests.join("../clerk-auth-macros/src/synced_row/template/shortcode.rs");
    let file = syn::parse_file(&fs::read_to_string(path).expect("the table")).expect("it is Rust");
    let rows = file.items.iter().find_map(|item| match item {
        syn::Item::Const(item) if item.ident == "SHORTCODES" => Some(&item.expr),
        _ => None,
    });
    let mut table = Table::default();
    table.visit_expr(rows.expect("the table has its name"));
    table.0
}

/// Returns a user of the Backend API with every value.
fn whole_user() -> Value {
    json!({
        "id": "user_ada",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "username": "ada",
        "external_id": "7",
        "primary_email_address_id": "idn_2",
        "email_addresses": [
            { "id": "idn_1", "email_address": "old@example.com", "verification": null },
            { "id": "idn_2", "email_address": "ada@example.com", "verification": { "status": "verified" } },
        ],
        "primary_phone_number_id": "idn_3",
        "phone_numbers": [
            { "id": "idn_3", "phone_number": "+15555550100", "verification": { "status": "unverified" } },
        ],
        "created_at": 1_600_000_000_999_i64,
        "updated_at": 1_700_000_000_001_i64,
        "two_factor_enabled": true,
        "primary_web3_wallet_id": "idn_4",
        "web3_wallets": [{ "id": "idn_4", "web3_wallet": "0x0000000000000000000000000000000000000001" }],
        "image_url": "https://img.clerk.com/ada",
        "has_image": true,
        "public_metadata": { "plan": { "name": "pro" } },
        "unsafe_metadata": {},
        "private_metadata": { "secret": true },
    })
}

/// Returns a user with only the required values.
fn bare_user() -> Value {
    json!({
        "id": "user_bare",
        "first_name": null,
        "last_name": null,
        "username": null,
        "external_id": null,
        "primary_email_address_id": null,
        // Clerk allows an address that is not the primary one.
        "email_addresses": [{ "id": "idn_1", "email_address": "old@example.com", "verification": null }],
        "primary_phone_number_id": null,
        "phone_numbers": [],
        "created_at": 1_600_000_000_000_i64,
        "updated_at": 1_600_000_000_000_i64,
        "two_factor_enabled": false,
        "primary_web3_wallet_id": null,
        "web3_wallets": [],
        "image_url": "https://img.clerk.com/default",
        "has_image": false,
        "public_metadata": {},
        "unsafe_metadata": {},
    })
}

fn evaluate(shortcode: &str, user: &Value) -> Option<Value> {
    Expression::Shortcode(shortcode.to_owned().leak()).evaluate(user)
}

#[test]
fn derive_and_evaluator_have_the_same_shortcodes() {
    let table = derives_table();
    let of_user: Vec<&str> = table
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("user."))
        .collect();
    let (mut evaluated, of_others): (Vec<&str>, Vec<&str>) =
        shortcodes().partition(|name| name.starts_with("user."));
    evaluated.sort_unstable();
    assert_eq!(of_user, evaluated);
    for name in of_others {
        assert!(
            table.contains_key(name),
            "`{name}` is not a shortcode of the derive"
        );
    }
    for name in table.keys().filter(|name| !name.starts_with("user.")) {
        assert_eq!(
            evaluate(name, &whole_user()),
            None,
            "{name} is no property of a user"
        );
    }
}

#[test]
fn derive_and_evaluator_agree_on_kind_and_null() {
    for (name, Row { kind, nullable, .. }) in derives_table() {
        let Some(value) = evaluate(&name, &whole_user()) else {
            continue;
        };
        let is_kind = match kind.as_str() {
            "Boolean" => value.is_boolean(),
            "Integer" => value.is_i64(),
            "Object" => value.is_object(),
            "Text" => value.is_string(),
            _ => false,
        };
        assert!(is_kind, "{name} is {value}, and the derive says {kind}");
        let bare = evaluate(&name, &bare_user()).expect("it is evaluated for every user");
        assert_eq!(bare.is_null(), nullable, "{name} is {bare}");
    }
}

#[test]
fn derive_and_evaluator_agree_on_sizes() {
    let mut table = derives_table();
    for (name, bytes) in shortcode_sizes() {
        let row = table
            .remove(name)
            .unwrap_or_else(|| panic!("{name} is not a shortcode"));
        let quotes = if row.kind == "Text" { 2 } else { 0 };
        assert_eq!(bytes, row.bytes + quotes, "{name}");
    }
    // The others are objects, whose size only the derive's assumption bounds.
    let others: Vec<&String> = table.keys().collect();
    assert_eq!(
        others,
        [
            "org.public_metadata",
            "org_membership.public_metadata",
            "session.actor"
        ]
    );
}

#[test]
fn values_are_those_that_clerk_renders() {
    for (shortcode, expected) in [
        ("user.full_name", json!("Ada Lovelace")),
        ("user.primary_email_address", json!("ada@example.com")),
        ("user.primary_phone_number", json!("+15555550100")),
        ("user.email_verified", json!(true)),
        ("user.phone_number_verified", json!(false)),
        ("user.created_at", json!(1_600_000_000)),
        ("user.updated_at", json!(1_700_000_000)),
        ("user.public_metadata.plan.name", json!("pro")),
        ("user.public_metadata.plan.name.of", Value::Null),
        ("user.public_metadata", json!({ "plan": { "name": "pro" } })),
    ] {
        assert_eq!(evaluate(shortcode, &whole_user()), Some(expected), "{shortcode}");
    }
    for shortcode in [
        "user.private_metadata",
        "user.private_metadata.secret",
        "user.email",
        // A user object does not contain these values: the claim is absent, not null.
        "user.organizations",
        "user.locale",
        "org.id",
        "id",
    ] {
        assert_eq!(evaluate(shortcode, &whole_user()), None, "{shortcode}");
    }
}
