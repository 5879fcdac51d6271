//! What the user wrote: the struct, its attributes and those of its fields.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, LitStr, Type};

use crate::argument::{Argument, Slot, arguments, bare, text, unknown};
use crate::diag::{Diagnostics, with_help};
use crate::suggest::nearest;

const CONTAINER_FORM: &str = r#"#[synced_user(table = "users", database(postgres))]"#;

/// The struct as it was written.
pub(super) struct Input {
    pub(super) ident: Ident,
    pub(super) container: Container,
    pub(super) fields: Vec<Field>,
}

/// `#[synced_user(…)]`
#[derive(Default)]
pub(super) struct Container {
    pub(super) present: bool,
    /// Something in it was reported that may have been the table, the databases or the template.
    pub(super) unread: bool,
    /// An argument was reported that may have been meant for another.
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
}

/// `allow(…)`
#[derive(Clone, Copy, Default)]
pub(super) struct Allowed {
    pub(super) unbounded_claims: bool,
    pub(super) unused_claims: bool,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Database {
    Postgres,
    Sqlite,
}

impl Database {
    /// Whether the runtime crate has what the derive would name for it.
    fn is_enabled(self) -> bool {
        match self {
            Self::Postgres => cfg!(any(feature = "postgres", test)),
            Self::Sqlite => cfg!(any(feature = "sqlite", test)),
        }
    }
}

/// A field with `#[claim(…)]` and `#[column(…)]`.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) claim: ClaimAttribute,
    pub(super) column: ColumnAttribute,
    /// Something in its attributes was reported.
    pub(super) has_unread_attribute: bool,
}

impl Field {
    /// Whether it holds the Clerk user id, whatever else is wrong with it.
    pub(super) fn is_key(&self) -> bool {
        match &self.claim.name {
            Some(name) => name.value() == "sub",
            None => {
                let column = &self.column;
                let is_own = column.generated.is_set() || column.app.is_set() || column.updated_at.is_set();
                !is_own && (self.ident == "clerk_id" || self.ident == "sub")
            }
        }
    }
}

/// `#[claim(…)]`
#[derive(Default)]
pub(super) struct ClaimAttribute {
    pub(super) at: Option<Span>,
    pub(super) name: Option<LitStr>,
    pub(super) default: Slot<()>,
    pub(super) required: Slot<()>,
    pub(super) parse: Slot<()>,
    pub(super) insert_only: Slot<()>,
    pub(super) with: Slot<Expr>,
}

/// `#[column(…)]`
#[derive(Default)]
pub(super) struct ColumnAttribute {
    pub(super) generated: Slot<()>,
    pub(super) app: Slot<()>,
    pub(super) updated_at: Slot<()>,
    pub(super) name: Slot<LitStr>,
    pub(super) sql_type: Slot<LitStr>,
    pub(super) json: Slot<()>,
    pub(super) text: Slot<()>,
}

/// Reads the struct; `None` if it is none, which has been reported.
pub(super) fn parse(input: DeriveInput, diagnostics: &mut Diagnostics) -> Option<Input> {
    let fields = match input.data {
        Data::Struct(data) => data.fields,
        Data::Enum(data) => {
            diagnostics.error(data.enum_token, not_a_struct("an enum"));
            return None;
        }
        Data::Union(data) => {
            diagnostics.error(data.union_token, not_a_struct("a union"));
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
    let container = container(&input.attrs, diagnostics);
    let fields = named
        .into_iter()
        .filter_map(|field| {
            let before = diagnostics.count();
            let claim = claim_attribute(&field.attrs, diagnostics);
            let column = column_attribute(&field.attrs, diagnostics);
            Some(Field {
                ident: field.ident?,
                ty: field.ty,
                claim,
                column,
                has_unread_attribute: diagnostics.count() > before,
            })
        })
        .collect();
    Some(Input {
        ident: input.ident,
        container,
        fields,
    })
}

fn not_a_struct(what: &str) -> String {
    with_help(
        format!("a user is a row of a table, and {what} is none"),
        "derive `SyncedUser` on a struct with named fields",
    )
}

fn container(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> Container {
    const KNOWN: [&str; 12] = [
        "table",
        "template",
        "template_json",
        "database",
        "version",
        "rename_all",
        "allow",
        "check",
        "fresh_for",
        "version_column",
        "deleted_at_column",
        "tombstones",
    ];
    let mut container = Container::default();
    for attribute in named(attributes, "synced_user") {
        container.present = true;
        let before = diagnostics.count();
        let arguments = arguments(attribute, CONTAINER_FORM, diagnostics);
        container.unread |= diagnostics.count() > before;
        for argument in arguments {
            let Some(key) = argument.key().cloned() else {
                container.unknown_argument = true;
                unknown(&argument, "synced_user", &KNOWN, diagnostics);
                continue;
            };
            let word = key.to_string();
            let (slot, form) = match word.as_str() {
                "table" => (&mut container.table, r#"table = "users""#),
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
                "allow" => {
                    let allow = allow(&argument, diagnostics);
                    container.allow.set(&key, allow, diagnostics);
                    continue;
                }
                _ => {
                    container.unknown_argument = true;
                    unknown(&argument, "synced_user", &KNOWN, diagnostics);
                    continue;
                }
            };
            let value = text(&argument, form, diagnostics);
            slot.set(&key, value, diagnostics);
        }
    }
    container
}

fn databases(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Vec<Database>> {
    const FORM: &str = "write `database(postgres)`, `database(sqlite)` or `database(postgres, sqlite)`";
    let Argument::List(key, arguments) = argument else {
        diagnostics.error_at(
            argument.span(),
            with_help("`database` lists databases in parentheses", FORM),
        );
        return None;
    };
    let mut databases = Vec::new();
    let mut failed = false;
    for argument in arguments {
        let database = match argument {
            Argument::Word(word) if word == "postgres" => Database::Postgres,
            Argument::Word(word) if word == "sqlite" => Database::Sqlite,
            other => {
                failed = true;
                let word = other.key().map(ToString::to_string).unwrap_or_default();
                let help = match word.to_lowercase().as_str() {
                    "postgresql" | "pg" => "write `postgres`".to_owned(),
                    "sqlite3" => "write `sqlite`".to_owned(),
                    _ => FORM.to_owned(),
                };
                let message = format!("the database `{word}` is not known");
                diagnostics.error_at(other.span(), with_help(message, help));
                continue;
            }
        };
        if !database.is_enabled() {
            failed = true;
            let word = argument.key().map(ToString::to_string).unwrap_or_default();
            diagnostics.error_at(
                argument.span(),
                with_help(
                    format!("clerk-auth is built without its feature `{word}`"),
                    format!("run `cargo add clerk-auth --features {word}`"),
                ),
            );
        } else if databases.contains(&database) {
            diagnostics.error_at(
                argument.span(),
                with_help("this database is listed twice", "remove one of them"),
            );
        } else {
            databases.push(database);
        }
    }
    if databases.is_empty() {
        if !failed {
            diagnostics.error(key, with_help("no database is listed", FORM));
        }
        return None;
    }
    databases.sort_unstable();
    Some(databases)
}

fn allow(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Allowed> {
    const FORM: &str = "write `allow(unbounded_claims)`, `allow(unused_claims)` or both, with a comma";
    let mut allowed = Allowed::default();
    let Argument::List(key, arguments) = argument else {
        diagnostics.error_at(
            argument.span(),
            with_help("`allow` lists what is allowed in parentheses", FORM),
        );
        return None;
    };
    if arguments.is_empty() {
        diagnostics.error(key, with_help("nothing is allowed here", FORM));
    }
    for argument in arguments {
        match argument {
            Argument::Word(word) if word == "unbounded_claims" => allowed.unbounded_claims = true,
            Argument::Word(word) if word == "unused_claims" => allowed.unused_claims = true,
            other => diagnostics.error_at(
                other.span(),
                with_help("only unbounded and unused claims can be allowed", FORM),
            ),
        }
    }
    Some(allowed)
}

fn claim_attribute(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> ClaimAttribute {
    const KNOWN: [&str; 5] = ["default", "required", "parse", "insert_only", "with"];
    let mut claim = ClaimAttribute::default();
    for attribute in named(attributes, "claim") {
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
                                "`with` names a function by its path, without quotes",
                                "write `with = path::to::function`",
                            ),
                        );
                    }
                    claim.with.set(key, Some(value.clone()), diagnostics);
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

/// The commonest mistake is to give the claim's name under a key, as in other derives.
fn unknown_of_claim(argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) {
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    if nearest(&key, known.iter().copied()).is_some() {
        return unknown(argument, "claim", known, diagnostics);
    }
    let message = match argument.key() {
        Some(key) => format!("`claim` has no argument `{key}`"),
        None => "a claim's name is a text".to_owned(),
    };
    diagnostics.error_at(
        argument.span(),
        with_help(
            message,
            "a claim is named by its text alone: `#[claim(\"firstName\")]`",
        ),
    );
}

/// Words of other derives are answered by ours.
fn unknown_of_column(argument: &Argument, known: &[&str], diagnostics: &mut Diagnostics) {
    let key = argument.key().map(ToString::to_string).unwrap_or_default();
    let help = match key.as_str() {
        "" | "rename" | "column" | "column_name" => "a column is named by `#[column(name = \"e_mail\")]`",
        "primary_key" | "id" | "auto_increment" | "serial" | "created_at" => {
            "a column that the database makes is `#[column(generated)]`"
        }
        "skip" | "ignore" | "default" | "own" | "custom" => "a column of your own is `#[column(app)]`",
        "type" | "db_type" => "the column's type is named by `#[column(sql_type = \"TEXT\")]`",
        _ => return unknown(argument, "column", known, diagnostics),
    };
    let message = match argument.key() {
        Some(key) => format!("`column` has no argument `{key}`"),
        None => "`column` takes no text here".to_owned(),
    };
    diagnostics.error_at(argument.span(), with_help(message, help));
}

fn column_attribute(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> ColumnAttribute {
    const KNOWN: [&str; 7] = [
        "generated",
        "app",
        "updated_at",
        "name",
        "sql_type",
        "json",
        "text",
    ];
    let mut column = ColumnAttribute::default();
    for attribute in named(attributes, "column") {
        for argument in arguments(attribute, r#"#[column(app)]"#, diagnostics) {
            match &argument {
                Argument::Word(key) if key == "generated" => column.generated.set(key, Some(()), diagnostics),
                Argument::Word(key) if key == "app" => column.app.set(key, Some(()), diagnostics),
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

fn named<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name))
}
