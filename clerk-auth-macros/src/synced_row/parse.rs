//! The user's source: the struct, its attributes and those of its fields.

pub(crate) mod attributes;
mod database;
pub(crate) mod link;

use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, LitStr, Type};

use self::attributes::{ClaimAttribute, ColumnAttribute, claim_attribute, column_attribute};
pub(crate) use self::database::Database;
use self::database::databases;
use self::link::LinkAttribute;
use crate::argument::{self, Argument, Slot, arguments, text, unknown};
use crate::diag::{Diagnostics, with_help};
use crate::krate;
use crate::suggest::nearest;
use crate::synced_row::RowKind;

/// The struct as written.
pub(super) struct Input {
    pub(super) kind: RowKind,
    pub(super) ident: Ident,
    pub(super) container: Container,
    pub(super) fields: Vec<Field>,
}

/// `#[synced_user(…)]`
#[derive(Default)]
pub(super) struct Container {
    pub(super) present: bool,
    /// An argument was reported that may have been the table, the databases or the template.
    pub(super) unread: bool,
    /// An argument was reported that may have meant another.
    pub(super) unknown_argument: bool,
    pub(super) table: Slot<LitStr>,
    pub(super) template: Slot<LitStr>,
    pub(super) template_json: Slot<LitStr>,
    pub(super) databases: Slot<Vec<Database>>,
    pub(super) version: Slot<LitStr>,
    pub(super) rename_all: Slot<LitStr>,
    pub(super) allow: Slot<Allowed>,
    pub(super) check: Slot<LitStr>,
    pub(super) fresh_for: Slot<LitStr>,
    pub(super) version_column: Slot<LitStr>,
    pub(super) deleted_at_column: Slot<LitStr>,
    pub(super) tombstones: Slot<LitStr>,
    pub(super) link: Slot<LinkAttribute>,
    /// The structs of a membership's user and organization.
    pub(super) user: Slot<Type>,
    pub(super) organization: Slot<Type>,
    /// The path is read separately, because all generated code contains it.
    pub(super) krate: Slot<syn::Path>,
}

/// `allow(…)`
#[derive(Clone, Copy, Default)]
pub(super) struct Allowed {
    pub(super) unbounded_claims: bool,
    pub(super) unknown_shortcodes: bool,
    pub(super) unused_claims: bool,
}

/// A field with `#[claim(…)]` and `#[column(…)]`.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) claim: ClaimAttribute,
    pub(super) column: ColumnAttribute,
    /// serde's name for the field, a hint that the derive does not require.
    pub(super) renamed: Option<String>,
    /// An argument in the attributes was reported.
    pub(super) has_unread_attribute: bool,
}

impl Field {
    /// Returns whether the field holds the Clerk user id, even if other attributes are invalid.
    pub(super) fn is_key(&self, kind: RowKind) -> bool {
        if kind == RowKind::Membership {
            return false;
        }
        match &self.claim.name {
            Some(name) => name.value() == kind.key_claim(),
            None => {
                let column = &self.column;
                let is_own = column.generated.is_set() || column.app.is_set() || column.updated_at.is_set();
                !is_own && (self.ident == "clerk_id" || self.ident == kind.key_claim())
            }
        }
    }
}

/// Parses the struct. If the item is not a struct, reports that and returns `None`.
pub(super) fn parse(kind: RowKind, input: DeriveInput, diagnostics: &mut Diagnostics) -> Option<Input> {
    let fields = match input.data {
        Data::Struct(data) => data.fields,
        Data::Enum(data) => {
            diagnostics.error(data.enum_token, not_a_struct(kind, "an enum"));
            return None;
        }
        Data::Union(data) => {
            diagnostics.error(data.union_token, not_a_struct(kind, "a union"));
            return None;
        }
    };
    let named = match fields {
        Fields::Named(fields) => fields.named,
        _ => {
            diagnostics.error(
                &input.ident,
                with_help(
                    format!("`{}` has no named fields, and a column needs a name", input.ident),
                    format!("write `struct {} {{ clerk_id: String, … }}`", input.ident),
                ),
            );
            return None;
        }
    };
    if !input.generics.params.is_empty() {
        diagnostics.error(
            &input.generics.params,
            with_help(
                format!(
                    "`{}` is a row of one table, so it takes no parameters",
                    input.ident
                ),
                "name the concrete types in the fields",
            ),
        );
    }
    let mut container = container(kind, &input.attrs, diagnostics);
    if !container.present
        && let Some((other, attribute)) = of_another_kind(kind, &input.attrs)
    {
        container.unread = true;
        diagnostics.error(
            attribute.path(),
            with_help(
                format!(
                    "`{}` belongs to `#[derive({})]`, and this is `{}`",
                    other.attribute(),
                    other.derive(),
                    kind.derive()
                ),
                format!("write `#[{}(…)]`", kind.attribute()),
            ),
        );
    } else if !container.present
        && let Some(meant) = input
            .attrs
            .iter()
            .map(Attribute::path)
            .find(|path| is_meant_for(path, kind.attribute()))
    {
        container.unread = true;
        diagnostics.leave_to_rustc(
            meant.span(),
            with_help(
                format!("this is not `{}`", kind.attribute()),
                format!("write `{}`", kind.form()),
            ),
        );
    }
    for name in ["claim", "column"] {
        for attribute in argument::named(&input.attrs, name) {
            diagnostics.error(
                attribute.path(),
                with_help(
                    format!("`{name}` belongs on a field, and `{}` is a struct", input.ident),
                    format!("put `#[{name}(…)]` in front of the field"),
                ),
            );
        }
    }
    let fields = named
        .into_iter()
        .filter_map(|field| {
            let before = diagnostics.count();
            for attribute in argument::named(&field.attrs, kind.attribute()) {
                diagnostics.error(
                    attribute.path(),
                    with_help(
                        format!(
                            "`{}` belongs on the struct, and this is a field",
                            kind.attribute()
                        ),
                        "write `#[claim(…)]` or `#[column(…)]`",
                    ),
                );
            }
            for name in ["claim", "column"] {
                let paths = field.attrs.iter().map(Attribute::path);
                for meant in paths.filter(|path| is_meant_for(path, name)) {
                    diagnostics.leave_to_rustc(
                        meant.span(),
                        with_help(format!("this is not `{name}`"), format!("write `#[{name}(…)]`")),
                    );
                }
            }
            let claim = claim_attribute(&field.attrs, diagnostics);
            let column = column_attribute(&field.attrs, diagnostics);
            Some(Field {
                renamed: renamed_by_serde(&field.attrs),
                ident: field.ident?,
                ty: field.ty,
                claim,
                column,
                has_unread_attribute: diagnostics.count() > before,
            })
        })
        .collect();
    Some(Input {
        kind,
        ident: input.ident,
        container,
        fields,
    })
}

/// Returns the attribute of another kind of row.
fn of_another_kind(kind: RowKind, attributes: &[Attribute]) -> Option<(RowKind, &Attribute)> {
    let mut others = RowKind::ALL.into_iter().filter(|other| *other != kind);
    others.find_map(|other| Some((other, argument::named(attributes, other.attribute()).next()?)))
}

fn not_a_struct(kind: RowKind, what: &str) -> String {
    let derive = kind.derive();
    with_help(
        format!("`{derive}` expects a struct, found {what}"),
        format!("derive `{derive}` on a struct with named fields"),
    )
}

fn container(kind: RowKind, attributes: &[Attribute], diagnostics: &mut Diagnostics) -> Container {
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

/// Reports an unknown argument; for the names of other derives, suggests ours.
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
                // The unreadable attribute may have meant any of them.
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

/// `#[serde(rename = "…")]`
fn renamed_by_serde(attributes: &[Attribute]) -> Option<String> {
    let mut renamed = None;
    for attribute in argument::named(attributes, "serde") {
        // serde itself reports an attribute that cannot be read here.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                renamed = Some(meta.value()?.parse::<LitStr>()?.value());
            }
            Ok(())
        });
    }
    renamed
}

/// Returns whether rustc does not know the attribute and its name is nearly one of ours.
fn is_meant_for(path: &syn::Path, name: &str) -> bool {
    path.get_ident()
        .is_some_and(|ident| ident != name && nearest(&ident.to_string(), [name]).is_some())
}
