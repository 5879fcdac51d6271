//! The message for a field without a claim in the template. Suggests the claim, the shortcode or the attribute that was
//! probably meant.

use super::case::Case;
use super::spelling::looks_like_key;
use crate::diag::with_help;
use crate::suggest;
use crate::synced_row::RowKind;
use crate::synced_row::parse::Field;
use crate::synced_row::template::document::{Claim, Template};
use crate::synced_row::template::shortcode;

/// Sync's own columns, by their default names.
const BOOKKEEPING: [&str; 2] = ["clerk_version", "clerk_deleted_at"];

/// Builds the message. `name` is the claim's name, given or derived from the field's. `has_key` becomes true if the
/// message suggests that the field is the key.
pub(crate) fn message(
    kind: RowKind,
    field: &Field,
    field_name: &str,
    name: &str,
    template: &Template,
    has_key: &mut bool,
) -> String {
    let is_named = field.claim.name.is_some();
    if !is_named && BOOKKEEPING.contains(&field_name) {
        return with_help(
            format!("the column `{field_name}` is maintained by sync and needs no field"),
            "remove the field, or rename sync's column with `version_column` or `deleted_at_column`",
        );
    }
    let mut others = RowKind::ALL.into_iter().filter(|other| *other != kind);
    let is_key = |other: &RowKind| is_named && !name.is_empty() && other.key_claim() == name;
    if let Some(other) = others.find(is_key) {
        *has_key = true;
        return with_help(
            format!(
                "`{name}` is the {}, and rows of this struct are found by the {}",
                other.clerk_id(),
                kind.clerk_id()
            ),
            format!("write `#[claim(\"{}\")]`", kind.key_claim()),
        );
    }
    let help = if is_named {
        help_for_a_named_claim(name, template)
    } else {
        help_for_a_field(kind, field, field_name, name, template)
    };
    let help = help.unwrap_or_else(|| {
        if !*has_key && looks_like_key(field_name) {
            *has_key = true;
            return format!(
                "if it is the {}, by which rows are found, mark it with `#[claim(\"{}\")]`",
                kind.clerk_id(),
                kind.key_claim()
            );
        }
        help_for_a_column(kind, field_name, name, template)
    });
    with_help(format!("the template has no claim `{name}`"), help)
}

/// Suggests the claim's name for an attribute that contains the claim's shortcode.
fn help_for_a_named_claim(name: &str, template: &Template) -> Option<String> {
    let shortcode = name.trim_start_matches('{').trim_end_matches('}').trim();
    let claim = fed_by(shortcode, template)?;
    Some(format!(
        "name the claim by its key in the template: `#[claim(\"{}\")]`",
        claim.name
    ))
}

/// Suggests a claim with another name than the field, based on the field's `serde` name or on common synonyms.
fn help_for_a_field(
    kind: RowKind,
    field: &Field,
    field_name: &str,
    name: &str,
    template: &Template,
) -> Option<String> {
    let renamed = field.renamed.as_deref();
    if let Some(claim) = renamed.and_then(|renamed| template.claim(renamed)) {
        return Some(format!(
            "`rename` is serde's; for the claim, write `#[claim(\"{}\")]`",
            claim.name
        ));
    }
    let mut cases = Case::KNOWN
        .into_iter()
        .map(|(word, case)| (word, case.apply(field_name)));
    if let Some((word, spelled)) = cases.find(|(_, spelled)| template.claim(spelled).is_some()) {
        return Some(format!(
            "name it with `#[claim(\"{spelled}\")]`, or all of them so with `rename_all = \"{word}\"`"
        ));
    }
    let shortcode = shortcode::meant_by(field_name).filter(|_| kind == RowKind::User)?;
    Some(match fed_by(shortcode, template) {
        Some(claim) => format!("did you mean `#[claim(\"{}\")]`?", claim.name),
        None => add(name, shortcode),
    })
}

fn help_for_a_column(kind: RowKind, field_name: &str, name: &str, template: &Template) -> String {
    let claims = template.claims.iter().map(|claim| claim.name.as_str());
    let shortcode = format!("{}.{field_name}", kind.root());
    let is_shortcode = shortcode::look_up(&shortcode).is_ok();
    if field_name == "id" {
        "mark a column that the database generates with `#[column(generated)]`".to_owned()
    } else if field_name == "created_at" {
        // The name may refer to the creation of the user or of the row.
        format!(
            "add `\"{name}\": \"{{{{{shortcode}}}}}\"` to the template, or mark a column that the database generates with \
             `#[column(generated)]`"
        )
    } else if let (Some(nearest), false) = (suggest::nearest(name, claims), is_shortcode) {
        format!("did you mean `#[claim(\"{nearest}\")]`?")
    } else if is_shortcode {
        add(name, &shortcode)
    } else {
        "mark a column of the application with `#[column(app)]`, one that the database generates with `#[column(generated)]`"
            .to_owned()
    }
}

fn add(name: &str, shortcode: &str) -> String {
    format!(
        "add `\"{name}\": \"{{{{{shortcode}}}}}\"` to the template, or mark a column of the application with `#[column(app)]`"
    )
}

fn fed_by<'a>(shortcode: &str, template: &'a Template) -> Option<&'a Claim> {
    let source = format!("{{{{{shortcode}}}}}");
    template.claims.iter().find(|claim| claim.source == source)
}
