//! Converts the syntax into its meaning: the struct as a whole.

mod case;
mod container;
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

use syn::{Ident, LitStr};

use self::case::Case;
use self::container::{bookkeeping, deletion, statement_check, table, version};
use self::field::FieldChecker;
use super::model::{Column, Model, Role, Version};
use super::parse::{Database, Field, Input};
use super::template::document::Leniency;
use super::template::source::TemplateSource;
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
