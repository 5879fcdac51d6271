//! Converts the syntax into its meaning: the struct as a whole.

mod case;
mod field;
mod freshness;
mod identifier;
mod link;
mod missing_claim;
mod owner;
mod references;
pub(crate) mod spelling;
mod storage;
mod unsupported;

use proc_macro2::Span;
use syn::{Ident, LitStr};

use self::case::Case;
use self::field::FieldChecker;
use self::identifier::identifier;
use super::model::{Column, Deletion, Model, Role, Table, Version};
use super::parse::{Container, Database, Field, Input};
use super::template::document::{Leniency, Template};
use super::template::source::TemplateSource;
use crate::argument::Slot;
use crate::diag::{Diagnostics, with_help};
use crate::synced_row::RowKind;

/// The part of the struct's model that was understood, and whether it is complete.
pub(super) struct Checked {
    pub(super) model: Model,
    pub(super) complete: bool,
    /// True if the struct contains itself. Then not even inert impls can be generated.
    pub(super) holds_itself: bool,
}

pub(super) fn check(input: Input, diagnostics: &mut Diagnostics) -> Checked {
    let Input {
        kind,
        ident,
        container,
        fields,
    } = input;
    let before = diagnostics.count();
    let is_silent = container.unread || container.unknown_argument;
    if !container.present && !is_silent {
        diagnostics.error(
            &ident,
            with_help(
                format!("`{ident}` has no table"),
                format!("add `{}`", kind.form()),
            ),
        );
    }
    let table = table(kind, &ident, &container, diagnostics);
    let databases = container.databases.get().cloned().unwrap_or_default();
    if container.present && !container.databases.is_set() && !is_silent {
        diagnostics.error(
            &ident,
            with_help(
                format!("`{ident}` names no database"),
                format!(
                    "add `database(postgres)`, `database(sqlite)` or both to `#[{}(…)]`",
                    kind.attribute()
                ),
            ),
        );
    }
    let check = statement_check(&ident, &container, &databases, diagnostics);
    let version_column = bookkeeping(&container.version_column, "clerk_version", diagnostics);
    let deletion = deletion(kind, &container, &table, diagnostics);

    let source = TemplateSource::find(kind, &container, diagnostics);
    let allowed = container.allow.get().copied().unwrap_or_default();
    // An unreadable `allow(…)` may have allowed the claim.
    let is_unread = container.allow.is_set() && container.allow.get().is_none();
    let leniency = Leniency {
        in_organization: kind != RowKind::User,
        unbounded: allowed.unbounded_claims || is_unread,
        unknown: allowed.unknown_shortcodes || is_unread,
    };
    let (template, template_is_whole) = source.read(kind, leniency, diagnostics);
    let version = match kind {
        RowKind::User => version(
            &ident,
            &container,
            &template,
            template_is_whole,
            &source,
            diagnostics,
        ),
        // Clerk has no shortcode for the time of an organization's last change.
        RowKind::Organization | RowKind::Membership => Version::IssuedAt,
    };

    let case = Case::of(&container, diagnostics);
    let mut checker = FieldChecker {
        kind,
        template: &template,
        template_is_whole,
        case,
        databases: &databases,
        user: &ident,
        has_key: fields.iter().any(|field: &Field| field.is_key(kind)),
        diagnostics,
    };
    let holds_itself = fields
        .iter()
        .any(|field| unsupported::is_itself(&field.ty, &ident));
    let last = fields.len().saturating_sub(1);
    let names: Vec<Ident> = fields.iter().map(|field| field.ident.clone()).collect();
    let mut columns: Vec<Column> = fields
        .into_iter()
        .enumerate()
        .filter_map(|(index, field)| checker.column(field, index == last))
        .collect();
    let has_key = checker.has_key;
    if kind != RowKind::Membership {
        check_key(kind, &ident, &columns, has_key, diagnostics);
    }
    let references = (kind == RowKind::Membership)
        .then(|| references::references(&ident, &container, &columns, is_silent, diagnostics))
        .flatten();
    let link = container.link.get().and_then(|attribute| {
        link::link(
            attribute,
            &names,
            &mut columns,
            &template,
            template_is_whole,
            diagnostics,
        )
    });
    let fresh_for = freshness::fresh_for(&container, &columns, diagnostics);

    let ident_at = ident.span();
    let model = Model {
        kind,
        ident,
        databases,
        table,
        table_at: container.table.get().map_or(ident_at, LitStr::span),
        version_column,
        deletion,
        version,
        template_text: source.text_tokens(),
        template,
        template_at: source.literal().map(LitStr::span),
        check,
        fresh_for,
        link,
        references,
        allow_unused_claims: allowed.unused_claims,
        columns,
    };
    check_names(&model, diagnostics);
    let complete = diagnostics.count() == before && !container.unread;
    Checked {
        model,
        complete,
        holds_itself,
    }
}

fn table(kind: RowKind, ident: &Ident, container: &Container, diagnostics: &mut Diagnostics) -> Table {
    let fallback = Table {
        schema: None,
        name: kind.table().to_owned(),
    };
    let Some(literal) = container.table.get() else {
        if container.present && !container.table.is_set() && !container.unread && !container.unknown_argument
        {
            diagnostics.error(
                ident,
                with_help(
                    format!("`{ident}` has no table"),
                    format!(
                        r#"add `table = "{}"` to `#[{}(…)]`"#,
                        kind.table(),
                        kind.attribute()
                    ),
                ),
            );
        }
        return fallback;
    };
    table_name(literal, &format!("accounts.{}", kind.table()), diagnostics).unwrap_or(fallback)
}

/// Returns a table with or without its schema. Reports a name with more parts and returns `None`.
fn table_name(literal: &LitStr, form: &str, diagnostics: &mut Diagnostics) -> Option<Table> {
    let name = literal.value();
    let mut parts = name.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => {
            identifier(literal, name, "table", diagnostics);
            Some(Table {
                schema: None,
                name: name.to_owned(),
            })
        }
        (Some(schema), Some(name), None) => {
            identifier(literal, schema, "schema", diagnostics);
            identifier(literal, name, "table", diagnostics);
            Some(Table {
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            })
        }
        _ => {
            diagnostics.error(
                literal,
                with_help(
                    "a table is named by at most a schema and a name",
                    format!(r#"write `"{form}"`"#),
                ),
            );
            None
        }
    }
}

fn deletion(kind: RowKind, container: &Container, table: &Table, diagnostics: &mut Diagnostics) -> Deletion {
    let deleted_at_column = bookkeeping(&container.deleted_at_column, "clerk_deleted_at", diagnostics);
    let Some(literal) = container.tombstones.get() else {
        return Deletion::Mark(deleted_at_column);
    };
    let tombstones = table_name(literal, "accounts.clerk_tombstones", diagnostics);
    if let Some(column) = container.deleted_at_column.get() {
        diagnostics.error(
            column,
            with_help(
                format!(
                    "`tombstones` deletes the rows of deleted {}s, so they need no column with the time of the deletion",
                    kind.noun()
                ),
                "remove `deleted_at_column`, or remove `tombstones` to keep the rows",
            ),
        );
    }
    // The names must differ even across schemas, because `users` and `public.users` can be the same table. SQLite
    // ignores case.
    if let Some(tombstones) = &tombstones
        && tombstones.name.eq_ignore_ascii_case(&table.name)
        && !tombstones.name.is_empty()
    {
        diagnostics.error(
            literal,
            with_help(
                format!(
                    "`tombstones` needs another name than the table of {}s",
                    kind.noun()
                ),
                r#"write `tombstones = "clerk_tombstones"`"#,
            ),
        );
    }
    tombstones.map_or(Deletion::Mark(deleted_at_column), Deletion::Remove)
}

/// Limits the check to one database: sqlx's macros support one per build, that of `DATABASE_URL`.
fn statement_check(
    ident: &Ident,
    container: &Container,
    databases: &[Database],
    diagnostics: &mut Diagnostics,
) -> Option<(Span, Database)> {
    let literal = container.check.get()?;
    if literal.value() != "sqlx" {
        diagnostics.error(
            literal,
            with_help(
                format!("`{}` cannot check statements", literal.value()),
                r#"write `check = "sqlx"`, or remove it"#,
            ),
        );
        return None;
    }
    match databases {
        [] => None,
        [database] => Some((literal.span(), *database)),
        _ => {
            diagnostics.error(
                literal,
                with_help(
                    format!(
                        "sqlx checks the statements of one database in a build, and `{ident}` is stored in {}",
                        databases.len()
                    ),
                    "remove `check`, or name one database: `database(postgres)`",
                ),
            );
            None
        }
    }
}

fn bookkeeping(slot: &Slot<LitStr>, default: &str, diagnostics: &mut Diagnostics) -> String {
    match slot.get() {
        None => default.to_owned(),
        Some(literal) => {
            let name = literal.value();
            identifier(literal, &name, "column", diagnostics);
            name
        }
    }
}

fn version(
    ident: &Ident,
    container: &Container,
    template: &Template,
    template_is_whole: bool,
    source: &TemplateSource,
    diagnostics: &mut Diagnostics,
) -> Version {
    if let Some(literal) = container.version.get() {
        if literal.value() != "iat" {
            diagnostics.error(
                literal,
                with_help(
                    "the version is the claim `{{user.updated_at}}` by default; the only alternative is `\"iat\"`",
                    r#"write `version = "iat"`, or remove it"#,
                ),
            );
        }
        return Version::IssuedAt;
    }
    if let Some(claim) = template.updated_at() {
        return Version::UpdatedAt(claim.name.clone());
    }
    if template_is_whole {
        let message = with_help(
            "the template has no claim `{{user.updated_at}}`, so older data could not be distinguished from newer",
            r#"add `"updatedAt": "{{user.updated_at}}"` to the template, or accept the weaker `version = "iat"`"#,
        );
        match source.literal() {
            Some(literal) => diagnostics.error(literal, message),
            None => diagnostics.error(ident, message),
        }
    }
    Version::IssuedAt
}

fn check_key(kind: RowKind, ident: &Ident, columns: &[Column], has_key: bool, diagnostics: &mut Diagnostics) {
    let mut keys = columns.iter().filter(|column| matches!(column.role, Role::Key));
    if keys.next().is_none() && !has_key {
        diagnostics.error(
            ident,
            with_help(
                format!(
                    "no field of `{ident}` holds the {}, by which rows are found",
                    kind.clerk_id()
                ),
                format!(
                    "add `clerk_id: String`, or mark a field with `#[claim(\"{}\")]`",
                    kind.key_claim()
                ),
            ),
        );
    }
    for second in keys {
        diagnostics.error(
            &second.ident,
            with_help(
                format!("two fields hold the {}, by which rows are found", kind.clerk_id()),
                "keep one of them",
            ),
        );
    }
}

fn check_names(model: &Model, diagnostics: &mut Diagnostics) {
    let (columns, bookkeeping) = (&model.columns, model.bookkeeping());
    // SQLite ignores case in names, even in quoted ones.
    let is_same = |left: &str, right: &str| {
        left == right || model.databases.contains(&Database::Sqlite) && left.eq_ignore_ascii_case(right)
    };
    for (index, column) in columns.iter().enumerate() {
        if columns[..index]
            .iter()
            .any(|earlier| earlier.ident == column.ident)
        {
            diagnostics.leave_to_rustc(
                column.ident.span(),
                with_help("a field is declared twice", "remove one of them"),
            );
        } else if columns[..index]
            .iter()
            .any(|earlier| is_same(&earlier.name, &column.name))
        {
            diagnostics.error(
                &column.ident,
                with_help(
                    format!("two fields are stored in the column `{}`", column.name),
                    "give one of them another name with `#[column(name = \"…\")]`",
                ),
            );
        } else if bookkeeping.iter().any(|name| is_same(name, &column.name)) {
            diagnostics.error(
                &column.ident,
                with_help(
                    format!(
                        "the column `{}` is maintained by sync and needs no field",
                        column.name
                    ),
                    "remove the field, or rename sync's column with `version_column` or `deleted_at_column`",
                ),
            );
        }
    }
}
