//! `link(…)` of the struct: the field that identifies an existing row, and the claim with its value.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, LitStr};

use crate::argument::{Argument, bare};
use crate::diag::{Diagnostics, with_help};

const FORM: &str = r#"write `link(id = "externalId")` with the field and the claim, or `link(external_id)` if the claim feeds the field"#;

/// `link(field)` or `link(field = "claim")`
#[derive(Clone)]
pub(crate) struct LinkAttribute {
    pub(crate) field: Ident,
    /// `None` for the field's own claim.
    pub(crate) claim: Option<LitStr>,
}

impl LinkAttribute {
    /// Returns the span of the claim's name or, without one, of the field's.
    pub(crate) fn claim_span(&self) -> Span {
        self.claim.as_ref().map_or(self.field.span(), LitStr::span)
    }
}

/// Reads the argument. Reports anything but one field with an optional claim.
pub(crate) fn link(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<LinkAttribute> {
    let Argument::List(key, arguments) = argument else {
        diagnostics.error_at(
            argument.span(),
            with_help("`link` expects a field in parentheses", FORM),
        );
        return None;
    };
    let Some((argument, rest)) = arguments.split_first() else {
        diagnostics.error(key, with_help("`link` names no field", FORM));
        return None;
    };
    if let Some(second) = rest.first() {
        diagnostics.error_at(
            second.span(),
            with_help(
                "`link` takes one field, because a row is found by one key",
                "keep one of them",
            ),
        );
        return None;
    }
    match argument {
        Argument::Word(field) => Some(LinkAttribute {
            field: field.clone(),
            claim: None,
        }),
        Argument::Value(field, value) => match bare(value) {
            Expr::Lit(ExprLit {
                lit: Lit::Str(claim), ..
            }) => Some(LinkAttribute {
                field: field.clone(),
                claim: Some(claim.clone()),
            }),
            value => {
                diagnostics.error_at(
                    value.span(),
                    with_help(
                        "the claim of `link` is named by a string literal",
                        format!(r#"write `link({field} = "externalId")`"#),
                    ),
                );
                None
            }
        },
        Argument::Literal(literal) => {
            diagnostics.error_at(
                literal.span(),
                with_help("the field of `link` is written without quotes", FORM),
            );
            None
        }
        Argument::Type(key, _) | Argument::List(key, _) => {
            diagnostics.error(
                key,
                with_help(
                    format!("the claim of `link` follows `{key}` after `=`"),
                    format!(r#"write `link({key} = "externalId")`"#),
                ),
            );
            None
        }
    }
}
