//! The user's source: the struct, its attributes and those of its fields.

pub(crate) mod attributes;
mod container;
mod database;
pub(crate) mod link;

use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, LitStr, Type};

use self::attributes::{ClaimAttribute, ColumnAttribute, claim_attribute, column_attribute};
pub(crate) use self::container::Container;
use self::container::container;
pub(crate) use self::database::Database;
use crate::argument;
use crate::diag::{Diagnostics, with_help};
use crate::suggest::nearest;
use crate::synced_row::RowKind;

/// The struct as written.
pub(super) struct Input {
    pub(super) kind: RowKind,
    pub(super) ident: Ident,
    pub(super) container: Container,
    pub(super) fields: Vec<Field>,
}

/// A field with `#[claim(…)]` and `#[column(…)]`.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) claim: ClaimAttribute,
    pub(super) column: ColumnAttribute,
    /// serde's name for the field, used only for hints.
    pub(super) renamed: Option<String>,
    /// True if an argument in the attributes was reported.
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

/// Parses the struct. Reports any other item and returns `None`.
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

/// Returns the name in `#[serde(rename = "…")]`.
fn renamed_by_serde(attributes: &[Attribute]) -> Option<String> {
    let mut renamed = None;
    for attribute in argument::named(attributes, "serde") {
        // serde itself reports an unreadable attribute.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                renamed = Some(meta.value()?.parse::<LitStr>()?.value());
            }
            Ok(())
        });
    }
    renamed
}

/// Returns whether the attribute is unknown to rustc and nearly has this name.
fn is_meant_for(path: &syn::Path, name: &str) -> bool {
    path.get_ident()
        .is_some_and(|ident| ident != name && nearest(&ident.to_string(), [name]).is_some())
}
