//! Checks the key by which existing rows are linked: its field, and the claim with its value.
//!
//! The claim decides which row a user gets. So it may contain only values that the application's back end writes:
//! `{{user.external_id}}` and `{{user.public_metadata}}`. Users can choose all others in the browser.

use syn::Ident;
use syn::ext::IdentExt;

use super::spelling::is_called;
use crate::diag::{Diagnostics, with_help};
use crate::suggest;
use crate::synced_row::model::{Column, Encoding, Link, Null, Role};
use crate::synced_row::parse::link::LinkAttribute;
use crate::synced_row::template::document::{Claim, Template};
use crate::synced_row::template::expression::Expression;
use crate::synced_row::template::shortcode::Kind;

const REMEDY: &str = "link by `{{user.external_id}}`, or by a path of `user.public_metadata`, which only your back end can set";

/// Checks the attribute, and marks the column. `fields` are the struct's fields, in their order.
pub(crate) fn link(
    attribute: &LinkAttribute,
    fields: &[Ident],
    columns: &mut [Column],
    template: &Template,
    template_is_whole: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Link> {
    let field = &attribute.field;
    if !fields.contains(field) {
        let names: Vec<String> = fields.iter().map(|field| field.unraw().to_string()).collect();
        let nearest = suggest::nearest(&field.to_string(), names.iter().map(String::as_str));
        let help = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!(
                "name a field of the struct, such as `#[column(generated)] id: i64`; the fields are {}",
                names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        diagnostics.error(
            field,
            with_help(format!("the struct has no field `{field}`"), help),
        );
        return None;
    }
    // A field that was not understood has been reported.
    let place = columns.iter().position(|column| column.ident == *field)?;
    let column = &mut columns[place];
    if let Some(message) = unsuitable_column(column, attribute) {
        diagnostics.error(field, message);
        return None;
    }
    let own = column.claim().map(|claim| claim.claim.clone());
    let name = match (&own, &attribute.claim) {
        (Some(own), Some(claim)) if *own != claim.value() => {
            diagnostics.error(
                claim,
                with_help(
                    format!("the claim `{own}` feeds `{field}`, and `link` names another"),
                    format!("write `link({field})`"),
                ),
            );
            return None;
        }
        (Some(own), _) => own.clone(),
        (None, Some(claim)) => claim.value(),
        (None, None) => {
            diagnostics.error(
                field,
                with_help(
                    format!("no claim feeds `{field}`, so `link` has to name the claim with its value"),
                    format!(r#"write `link({field} = "externalId")`"#),
                ),
            );
            return None;
        }
    };
    let Some(claim) = template.claim(&name) else {
        if template_is_whole {
            diagnostics.error_at(
                attribute.claim_span(),
                with_help(
                    format!("the template has no claim `{name}`"),
                    missing_claim(&name, template),
                ),
            );
        }
        return None;
    };
    if let Some(message) = unsuitable_claim(claim) {
        diagnostics.error_at(attribute.claim_span(), message);
        return None;
    }
    if let Role::Claim(claim) = &mut column.role {
        // The key of a row never changes.
        claim.insert_only = true;
        claim.is_link = true;
    }
    column.is_link = true;
    Some(Link {
        column: place,
        claim: name,
        source: claim.source.clone(),
        kind: claim.expression.kind().0,
        is_optional: is_called(&column.ty, &["Option"]),
    })
}

fn missing_claim(name: &str, template: &Template) -> String {
    if let Some(claim) = template
        .claims
        .iter()
        .find(|claim| claim.source == format!("{{{{{name}}}}}") || claim.source == name)
    {
        return format!("name the claim by its key in the template: `\"{}\"`", claim.name);
    }
    match suggest::nearest(name, template.claims.iter().map(|claim| claim.name.as_str())) {
        Some(nearest) => format!("did you mean `\"{nearest}\"`?"),
        None => format!(r#"add `"{name}": "{{{{user.external_id}}}}"` to the template"#),
    }
}

fn unsuitable_column(column: &Column, attribute: &LinkAttribute) -> Option<String> {
    let field = &attribute.field;
    let (message, help) = match &column.role {
        Role::Key => (
            format!("`{field}` holds the Clerk user id, which a row has only after it was linked"),
            "name the field with your own key, such as `#[column(generated)] id: i64`",
        ),
        Role::UpdatedAt | Role::Reference(_) => (
            format!("`{field}` is a time, and not the key of a row"),
            "name the field with your own key, such as `#[column(generated)] id: i64`",
        ),
        Role::Claim(claim) if claim.null == Null::Default => (
            format!(
                "null in the claim of `{field}` becomes a default, and every user without a key would have the same"
            ),
            "remove `default`, and write `Option<_>` for the field",
        ),
        Role::App if !is_called(&column.ty, &["Option"]) => (
            format!("new users have no value of `{field}`, so that it cannot be unique"),
            "write `Option<_>` for the field",
        ),
        _ if column.encoding == Encoding::Json => (
            format!("`{field}` is stored as JSON, by which no row can be found"),
            "store the key in a column of its own type, without `json`",
        ),
        _ => return None,
    };
    Some(with_help(message, help))
}

fn unsuitable_claim(claim: &Claim) -> Option<String> {
    if let Some(problem) = problem(&claim.expression) {
        return Some(with_help(problem, REMEDY));
    }
    match claim.expression.kind().0 {
        Kind::Text | Kind::Json => None,
        kind => Some(with_help(
            format!(
                "the claim `{}` is {}, which cannot be a key",
                claim.name,
                kind.name()
            ),
            REMEDY,
        )),
    }
}

/// Returns the reason why an expression cannot identify a row, if any.
fn problem(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Shortcode(path, _) => problem_of_shortcode(path),
        Expression::Chain(operands) => operands.iter().find_map(problem),
        Expression::Interpolation(_) | Expression::Object(_) | Expression::Array(_) => {
            Some("a key is one value, and this claim is put together from several".to_owned())
        }
        _ => Some("a fixed value is the same for every user, so that any user could take the row".to_owned()),
    }
}

fn problem_of_shortcode(path: &str) -> Option<String> {
    // A chain may end with the Clerk user id, for users without a key.
    if path == "user.external_id" || path == "user.id" || path.starts_with("user.public_metadata.") {
        return None;
    }
    let chosen = [
        "user.unsafe_metadata",
        "user.username",
        "user.first_name",
        "user.last_name",
        "user.full_name",
        "user.primary_",
        "user.image_url",
    ];
    Some(if chosen.iter().any(|chosen| path.starts_with(chosen)) {
        format!("a user can choose `{{{{{path}}}}}`, and with it the row of another person")
    } else {
        format!("`{{{{{path}}}}}` does not identify a row")
    })
}
