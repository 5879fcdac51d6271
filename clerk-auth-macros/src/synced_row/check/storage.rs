//! How the column of a role stores a value, and types that cannot be in such a column.

use syn::Type;

use super::spelling::{is_called, is_text_behind_a_pointer};
use crate::diag::{Diagnostics, with_help};
use crate::synced_row::RowKind;
use crate::synced_row::model::{Encoding, Role};
use crate::synced_row::parse::{Database, Field};
use crate::synced_row::template::shortcode::Kind;

/// Returns whether the type cannot hold a timestamp, which the database would only reject at run time. SQLite
/// stores a timestamp as text.
pub(crate) fn holds_no_moment(ty: &Type, databases: &[Database]) -> bool {
    (is_called(ty, &["String", "str"]) || is_text_behind_a_pointer(ty))
        && databases.contains(&Database::Postgres)
        || is_called(
            ty,
            &[
                "bool", "f32", "f64", "i16", "i32", "i64", "i8", "u16", "u32", "u64", "u8",
            ],
        )
}

/// Reports an unsigned integer, for which rustc's message would be vague.
pub(crate) fn is_refused_as_unsigned(
    field: &Field,
    role: &Role,
    encoding: Encoding,
    databases: &[Database],
    diagnostics: &mut Diagnostics,
) -> bool {
    let is_integer = match role {
        Role::Claim(claim) => claim.kind == Kind::Integer,
        Role::Generated | Role::App => true,
        Role::Key | Role::UpdatedAt | Role::Reference(_) => false,
    };
    let is_refused = is_integer
        && encoding == Encoding::Own
        && databases.contains(&Database::Postgres)
        && is_called(&field.ty, &["u16", "u32", "u64", "u8"]);
    if is_refused {
        diagnostics.error(
            &field.ty,
            with_help(
                format!(
                    "`{}` is unsigned, and PostgreSQL has no unsigned integers",
                    field.ident
                ),
                "use `i64`",
            ),
        );
    }
    is_refused
}

/// Reports an integer type that is too small for current timestamps, or for those after 2038.
pub(crate) fn is_refused_as_small(field: &Field, role: &Role, diagnostics: &mut Diagnostics) -> bool {
    let Role::Claim(claim) = role else {
        return false;
    };
    let is_small = is_called(&field.ty, &["i16", "i32", "i8", "u16", "u8"]);
    let is_refused = claim.is_a_moment() && claim.with.is_none() && is_small;
    if is_refused {
        diagnostics.error(
            &field.ty,
            with_help(
                format!(
                    "the claim `{}` is in seconds since 1970, which overflow this type",
                    claim.claim
                ),
                "use `i64`",
            ),
        );
    }
    is_refused
}

/// Returns how the column stores the value. Returns `None`, after reporting an error, if the role has no such column.
pub(crate) fn encoding(
    row: RowKind,
    field: &Field,
    role: &Role,
    diagnostics: &mut Diagnostics,
) -> Option<Encoding> {
    let (encoding, span) = match (field.column.json.span(), field.column.text.span()) {
        (None, None) => return Some(Encoding::Own),
        (Some(json), None) => (Encoding::Json, json),
        (None, Some(text)) => (Encoding::Text, text),
        (Some(_), Some(text)) => {
            diagnostics.error_at(
                text,
                with_help(
                    format!("`{}` cannot be stored both as JSON and as text", field.ident),
                    "keep either `json` or `text`",
                ),
            );
            return None;
        }
    };
    let (message, help) = match (encoding, role) {
        (Encoding::Json, Role::Claim(claim)) if matches!(claim.kind, Kind::Object | Kind::Json) => {
            return Some(encoding);
        }
        (Encoding::Text, Role::Claim(claim)) if claim.kind == Kind::Text => return Some(encoding),
        (Encoding::Json, Role::Generated | Role::App) => return Some(encoding),
        (Encoding::Json, Role::Claim(claim)) => (
            format!(
                "only objects and any JSON are stored as JSON, and `{}` is {}",
                claim.claim,
                claim.kind.name()
            ),
            "remove `json`",
        ),
        (_, Role::Claim(claim)) => (
            format!(
                "only text is stored as text, and `{}` is {}",
                claim.claim,
                claim.kind.name()
            ),
            "remove `text`",
        ),
        (_, Role::Key) => (
            format!("the {} has a fixed form in the table", row.clerk_id()),
            "remove this argument",
        ),
        (_, Role::Reference(_)) => (
            format!(
                "`{}` is the key of another row, and has the form of that key",
                field.ident
            ),
            "remove this argument",
        ),
        (_, Role::UpdatedAt) => (
            format!("sync writes a timestamp into `{}`", field.ident),
            "remove this argument",
        ),
        (_, Role::Generated | Role::App) => (
            format!(
                "no claim feeds `{}`, and only claims are stored as text",
                field.ident
            ),
            "implement `sqlx::Type` and `sqlx::Decode` for the type, or store it as JSON with `json`",
        ),
    };
    diagnostics.error_at(span, with_help(message, help));
    // Keeps a key, because a dropped key would be reported as missing.
    matches!(role, Role::Key).then_some(Encoding::Own)
}
