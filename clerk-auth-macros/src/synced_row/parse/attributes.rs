//! The user's attributes of a field: `#[claim(…)]` and `#[column(…)]`.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, LitStr};

use crate::argument::{self, Argument, Slot, arguments, bare, text, unknown};
use crate::diag::{Diagnostics, with_help};
use crate::suggest::nearest;

/// `#[claim(…)]`
#[derive(Default)]
pub(crate) struct ClaimAttribute {
    pub(crate) at: Option<Span>,
    pub(crate) name: Option<LitStr>,
    pub(crate) default: Slot<()>,
    pub(crate) required: Slot<()>,
    pub(crate) parse: Slot<()>,
    pub(crate) insert_only: Slot<()>,
    pub(crate) with: Slot<Expr>,
    pub(crate) unique: Slot<LitStr>,
}

/// `#[column(…)]`
#[derive(Default)]
pub(crate) struct ColumnAttribute {
    pub(crate) generated: Slot<()>,
    pub(crate) app: Slot<()>,
    pub(crate) updated_at: Slot<()>,
    pub(crate) name: Slot<LitStr>,
    pub(crate) sql_type: Slot<LitStr>,
    pub(crate) json: Slot<()>,
    pub(crate) text: Slot<()>,
    /// The key of a membership's user.
    pub(crate) user: Slot<()>,
    /// The key of a membership's organization.
    pub(crate) organization: Slot<()>,
}

impl ColumnAttribute {
    /// Returns whether another writer than sync owns the column.
    pub(crate) fn is_owned(&self) -> bool {
        self.generated.is_set() || self.app.is_set() || self.updated_at.is_set()
    }
}

pub(crate) fn claim_attribute(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> ClaimAttribute {
    const KNOWN: [&str; 6] = ["default", "required", "parse", "insert_only", "with", "unique"];
    let mut claim = ClaimAttribute::default();
    for attribute in argument::named(attributes, "claim") {
        claim.at.get_or_insert(attribute.path().span());
        for argument in arguments(attribute, r#"#[claim("firstName")]"#, diagnostics) {
            match &argument {
                Argument::Literal(syn::Lit::Str(name)) => {
                    if claim.name.is_some() {
                        diagnostics.error(
                            name,
                            with_help("the claim is named twice", "remove one of the names"),
                        );
                    } else {
                        claim.name = Some(name.clone());
                    }
                }
                Argument::Word(key) if key == "default" => claim.default.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "required" => claim.required.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "parse" => claim.parse.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "insert_only" => {
                    claim.insert_only.set(key, Some(()), diagnostics);
                }
                Argument::Value(key, value) if key == "with" => {
                    if let Expr::Lit(literal) = bare(value) {
                        diagnostics.error(
                            literal,
                            with_help(
                                "`with` expects the path of a function, without quotes",
                                "write `with = path::to::function`",
                            ),
                        );
                    }
                    claim.with.set(key, Some(value.clone()), diagnostics);
                }
                Argument::Value(key, _) | Argument::Word(key) | Argument::List(key, _) if key == "unique" => {
                    let value = text(&argument, r#"#[claim(unique = "refuse")]"#, diagnostics);
                    claim.unique.set(key, value, diagnostics);
                }
                other
                    if other
                        .key()
                        .is_some_and(|key| KNOWN.iter().any(|known| key == known)) =>
                {
                    let key = other.key().map(ToString::to_string).unwrap_or_default();
                    let (message, help) = match key.as_str() {
                        "with" => (
                            "`with` names a function".to_owned(),
                            "write `with = path::to::function`".to_owned(),
                        ),
                        _ => (format!("`{key}` takes no value"), format!("write `{key}` alone")),
                    };
                    diagnostics.error_at(other.span(), with_help(message, help));
                }
                other => unknown_of_claim(other, &KNOWN, diagnostics),
            }
        }
    }
    claim
}

/// Reports an unknown argument. The most common mistake is a key in front of the claim's name, as in other derives.
fn unknown_of_claim(argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) {
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    if nearest(&key, known.iter().copied()).is_some() {
        return unknown(argument, "claim", known, diagnostics);
    }
    let message = match argument.key() {
        Some(key) => format!("`claim` has no argument `{key}`"),
        None => "a claim's name is a string literal".to_owned(),
    };
    let help = match key.as_str() {
        "app" | "generated" | "json" | "sql_type" | "text" | "updated_at" => {
            format!("the argument belongs to the column: `#[column({key})]`")
        }
        "null" | "nullable" | "optional" => "a claim that may be null needs an `Option<_>`".to_owned(),
        _ => "a claim's name has no key: `#[claim(\"firstName\")]`".to_owned(),
    };
    diagnostics.error_at(argument.span(), with_help(message, help));
}

/// Reports an unknown argument. For the names of other derives, suggests this derive's.
fn unknown_of_column(argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) {
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    let help = match key.as_str() {
        "" | "rename" | "column" | "column_name" => {
            "a column's name is given by `#[column(name = \"e_mail\")]`"
        }
        "primary_key" | "id" | "auto_increment" | "serial" | "created_at" => {
            "a column that the database generates is `#[column(generated)]`"
        }
        "skip" | "ignore" | "default" | "own" | "custom" => "a column of the application is `#[column(app)]`",
        "insert_only" => "the argument belongs to the claim: `#[claim(insert_only)]`",
        "parse" => "the argument belongs to the claim: `#[claim(parse)]`",
        "required" => "the argument belongs to the claim: `#[claim(required)]`",
        "with" => "the argument belongs to the claim: `#[claim(with = path::to::function)]`",
        "null" | "nullable" | "optional" | "not_null" => "a column that may be null needs an `Option<_>`",
        "unique" | "index" | "check" | "references" => {
            "constraints and indexes of a column belong in the migration"
        }
        "type" | "db_type" => "the column's type is given by `#[column(sql_type = \"TEXT\")]`",
        _ => return unknown(argument, "column", known, diagnostics),
    };
    let message = match argument.key() {
        Some(key) => format!("`column` has no argument `{key}`"),
        None => "`column` does not accept a string literal here".to_owned(),
    };
    diagnostics.error_at(argument.span(), with_help(message, help));
}

pub(crate) fn column_attribute(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> ColumnAttribute {
    const KNOWN: [&str; 9] = [
        "user",
        "organization",
        "generated",
        "app",
        "updated_at",
        "name",
        "sql_type",
        "json",
        "text",
    ];
    let mut column = ColumnAttribute::default();
    for attribute in argument::named(attributes, "column") {
        for argument in arguments(attribute, r#"#[column(app)]"#, diagnostics) {
            match &argument {
                Argument::Word(key) if key == "generated" => column.generated.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "app" => column.app.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "user" => column.user.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "organization" => {
                    column.organization.set(key, Some(()), diagnostics);
                }
                Argument::Word(key) if key == "json" => column.json.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "text" => column.text.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "updated_at" => {
                    column.updated_at.set(key, Some(()), diagnostics);
                }
                Argument::Value(key, _) | Argument::Word(key) | Argument::List(key, _) if key == "name" => {
                    let value = text(&argument, r#"#[column(name = "e_mail")]"#, diagnostics);
                    column.name.set(key, value, diagnostics);
                }
                Argument::Value(key, _) | Argument::Word(key) | Argument::List(key, _)
                    if key == "sql_type" =>
                {
                    let value = text(
                        &argument,
                        r#"#[column(sql_type = "NUMERIC(12, 2)")]"#,
                        diagnostics,
                    );
                    column.sql_type.set(key, value, diagnostics);
                }
                other
                    if other
                        .key()
                        .is_some_and(|key| KNOWN.iter().any(|known| key == known)) =>
                {
                    let key = other.key().map(ToString::to_string).unwrap_or_default();
                    diagnostics.error_at(
                        other.span(),
                        with_help(format!("`{key}` takes no value"), format!("write `{key}` alone")),
                    );
                }
                other => unknown_of_column(other, &KNOWN, diagnostics),
            }
        }
    }
    column
}
