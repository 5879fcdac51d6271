//! The meaning of the arguments for the struct as a whole: its tables, its version, and who checks its statements.

use proc_macro2::Span;
use syn::{Ident, LitStr};

use super::identifier::identifier;
use crate::argument::Slot;
use crate::diag::{Diagnostics, with_help};
use crate::synced_row::RowKind;
use crate::synced_row::model::{Deletion, Table, Version};
use crate::synced_row::parse::{Container, Database};
use crate::synced_row::template::document::Template;
use crate::synced_row::template::source::TemplateSource;

pub(crate) fn table(
    kind: RowKind,
    ident: &Ident,
    container: &Container,
    diagnostics: &mut Diagnostics,
) -> Table {
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

pub(crate) fn deletion(
    kind: RowKind,
    container: &Container,
    table: &Table,
    diagnostics: &mut Diagnostics,
) -> Deletion {
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
pub(crate) fn statement_check(
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

pub(crate) fn bookkeeping(slot: &Slot<LitStr>, default: &str, diagnostics: &mut Diagnostics) -> String {
    match slot.get() {
        None => default.to_owned(),
        Some(literal) => {
            let name = literal.value();
            identifier(literal, &name, "column", diagnostics);
            name
        }
    }
}

pub(crate) fn version(
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
