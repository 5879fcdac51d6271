//! The attribute of the struct: `#[synced_user(…)]` and its siblings.

use syn::{Attribute, LitStr, Type};

use super::database::{Database, databases};
use super::link::{self, LinkAttribute};
use crate::argument::{self, Argument, Slot, arguments, text, unknown};
use crate::diag::{Diagnostics, with_help};
use crate::krate;
use crate::synced_row::RowKind;

/// `#[synced_user(…)]`
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) present: bool,
    /// True if a reported argument may have been the table, the databases or the template.
    pub(crate) unread: bool,
    /// True if a reported argument may have been a misspelling of another.
    pub(crate) unknown_argument: bool,
    pub(crate) table: Slot<LitStr>,
    pub(crate) template: Slot<LitStr>,
    pub(crate) template_json: Slot<LitStr>,
    pub(crate) databases: Slot<Vec<Database>>,
    pub(crate) version: Slot<LitStr>,
    pub(crate) rename_all: Slot<LitStr>,
    pub(crate) allow: Slot<Allowed>,
    pub(crate) check: Slot<LitStr>,
    pub(crate) fresh_for: Slot<LitStr>,
    pub(crate) version_column: Slot<LitStr>,
    pub(crate) deleted_at_column: Slot<LitStr>,
    pub(crate) tombstones: Slot<LitStr>,
    pub(crate) link: Slot<LinkAttribute>,
    /// The structs of a membership's user and organization.
    pub(crate) user: Slot<Type>,
    pub(crate) organization: Slot<Type>,
    /// The path is read separately, because all generated code contains it.
    pub(crate) krate: Slot<syn::Path>,
}

/// `allow(…)`
#[derive(Clone, Copy, Default)]
pub(crate) struct Allowed {
    pub(crate) unbounded_claims: bool,
    pub(crate) unknown_shortcodes: bool,
    pub(crate) unused_claims: bool,
}

pub(crate) fn container(kind: RowKind, attributes: &[Attribute], diagnostics: &mut Diagnostics) -> Container {
    let known = kind.arguments();
    let table_form = format!("table = \"{}\"", kind.table());
    let mut container = Container::default();
    for attribute in argument::named(attributes, kind.attribute()) {
        container.present = true;
        let before = diagnostics.count();
        let arguments = arguments(attribute, kind.form(), diagnostics);
        container.unread |= diagnostics.count() > before;
        for argument in arguments {
            let Some(key) = argument.key().cloned() else {
                container.unknown_argument = true;
                unknown(&argument, kind.attribute(), &known, diagnostics);
                continue;
            };
            let word = key.to_string();
            let word = if known.contains(&word.as_str()) || word == krate::KEY {
                word
            } else {
                String::new()
            };
            let (slot, form) = match word.as_str() {
                "table" => (&mut container.table, table_form.as_str()),
                "template" => (
                    &mut container.template,
                    r#"template = "clerk/session-token.json""#,
                ),
                "template_json" => (
                    &mut container.template_json,
                    r##"template_json = r#"{"email": "{{user.primary_email_address}}"}"#"##,
                ),
                "check" => (&mut container.check, r#"check = "sqlx""#),
                "fresh_for" => (&mut container.fresh_for, r#"fresh_for = "5s""#),
                "version" => (&mut container.version, r#"version = "iat""#),
                "rename_all" => (&mut container.rename_all, r#"rename_all = "snake_case""#),
                "version_column" => (
                    &mut container.version_column,
                    r#"version_column = "clerk_version""#,
                ),
                "deleted_at_column" => (
                    &mut container.deleted_at_column,
                    r#"deleted_at_column = "clerk_deleted_at""#,
                ),
                "tombstones" => (&mut container.tombstones, r#"tombstones = "clerk_tombstones""#),
                "database" => {
                    let databases = databases(&argument, diagnostics);
                    container.databases.set(&key, databases, diagnostics);
                    continue;
                }
                "user" | "organization" => {
                    let slot = match word.as_str() {
                        "user" => &mut container.user,
                        _ => &mut container.organization,
                    };
                    let ty = struct_of(&argument, diagnostics);
                    slot.set(&key, ty, diagnostics);
                    continue;
                }
                "link" => {
                    let link = link::link(&argument, diagnostics);
                    container.link.set(&key, link, diagnostics);
                    continue;
                }
                krate::KEY => {
                    let path = krate::checked(&argument, diagnostics);
                    container.krate.set(&key, path, diagnostics);
                    continue;
                }
                "allow" => {
                    let allow = allow(&argument, diagnostics);
                    container.allow.set(&key, allow, diagnostics);
                    continue;
                }
                _ => {
                    container.unknown_argument = true;
                    unknown_of_struct(kind, &argument, &known, diagnostics);
                    continue;
                }
            };
            let value = text(&argument, form, diagnostics);
            slot.set(&key, value, diagnostics);
        }
    }
    container
}

/// Returns the type of `user = User`.
fn struct_of(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Type> {
    if let Argument::Type(_, ty) = argument {
        return Some(ty.clone());
    }
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    let form = match key.as_str() {
        "user" => "write `user = User` with the struct that derives `SyncedUser`",
        _ => "write `organization = Organization` with the struct that derives `SyncedOrganization`",
    };
    diagnostics.error_at(
        argument.span(),
        with_help(format!("`{key}` expects a struct"), form),
    );
    None
}

/// Reports an unknown argument. For the names of other derives, suggests this derive's.
fn unknown_of_struct(kind: RowKind, argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) {
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    let table = kind.table();
    let help = match key.as_str() {
        "schema" => format!("the schema comes before the table's name: `table = \"accounts.{table}\"`"),
        "table_name" | "name" => format!("write `table = \"{table}\"`"),
        "primary_key" | "key" | "id" => format!(
            "rows are found by the field `clerk_id`, or by one that is marked with `#[claim(\"{}\")]`",
            kind.key_claim()
        ),
        "cache" | "cache_for" | "ttl" => r#"write `fresh_for = "5s"`"#.to_owned(),
        "file" | "path" | "session_token_template" => {
            r#"write `template = "clerk/session-token.json"`"#.to_owned()
        }
        "version" if kind != RowKind::User => format!(
            "remove it: a token has no time of the last change of the {}, so the time of its claims is the version",
            kind.noun()
        ),
        "link" if kind != RowKind::User => {
            "remove it: only rows of users are linked to rows of the application's own".to_owned()
        }
        _ => return unknown(argument, kind.attribute(), known, diagnostics),
    };
    let message = format!("`{}` has no argument `{key}`", kind.attribute());
    diagnostics.error_at(argument.span(), with_help(message, help));
}

fn allow(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Allowed> {
    const FORM: &str = "write `allow(unbounded_claims)`, `allow(unknown_shortcodes)`, `allow(unused_claims)`, or several of them with commas";
    let mut allowed = Allowed::default();
    let Argument::List(key, arguments) = argument else {
        diagnostics.error_at(
            argument.span(),
            with_help("`allow` expects a list in parentheses", FORM),
        );
        return None;
    };
    if arguments.is_empty() {
        diagnostics.error(key, with_help("`allow` is empty", FORM));
    }
    for argument in arguments {
        match argument {
            Argument::Word(word) if word == "unbounded_claims" => allowed.unbounded_claims = true,
            Argument::Word(word) if word == "unknown_shortcodes" => allowed.unknown_shortcodes = true,
            Argument::Word(word) if word == "unused_claims" => allowed.unused_claims = true,
            other => {
                // The unreadable attribute may have allowed any of these.
                allowed = Allowed {
                    unbounded_claims: true,
                    unknown_shortcodes: true,
                    unused_claims: true,
                };
                diagnostics.error_at(
                    other.span(),
                    with_help(
                        "only unbounded claims, unknown shortcodes and unused claims can be allowed",
                        FORM,
                    ),
                );
            }
        }
    }
    Some(allowed)
}
