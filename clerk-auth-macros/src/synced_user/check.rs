//! From what was written to what it means; every rule that the macro alone can see is here.

use std::path::Path;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Ident, LitStr};

use super::model::{ClaimColumn, Column, Model, Null, Role, Table, Version};
use super::parse::{Container, Field, Input};
use super::shortcode::{self, Kind};
use super::template::{self, Template, TemplateError};
use crate::argument::Slot;
use crate::diag::{Diagnostics, with_help};
use crate::suggest;

/// PostgreSQL cuts longer identifiers off, and two that differ only beyond it become one.
const LONGEST_IDENTIFIER: usize = 63;

/// What is understood of the struct, and whether that is all of it.
pub(super) struct Checked {
    pub(super) model: Model,
    pub(super) complete: bool,
}

pub(super) fn check(input: Input, diagnostics: &mut Diagnostics) -> Checked {
    let Input {
        ident,
        container,
        fields,
    } = input;
    let before = diagnostics.count();
    if !container.present {
        diagnostics.error(
            &ident,
            with_help(
                format!("`{ident}` does not say which table its rows are in"),
                r#"add `#[synced_user(table = "users", database(postgres))]`"#,
            ),
        );
    }
    let table = table(&ident, &container, diagnostics);
    let databases = container.databases.get().cloned().unwrap_or_default();
    if container.present && !container.databases.is_set() {
        diagnostics.error(
            &ident,
            with_help(
                format!("`{ident}` names no database"),
                "add `database(postgres)`, `database(sqlite)` or both to `#[synced_user(…)]`",
            ),
        );
    }
    let version_column = bookkeeping(&container.version_column, "clerk_version", diagnostics);
    let deleted_at_column = bookkeeping(&container.deleted_at_column, "clerk_deleted_at", diagnostics);

    let source = TemplateSource::find(&container, diagnostics);
    let (template, template_is_whole) = source.read(container.allow.is_set(), diagnostics);
    let version = version(
        &ident,
        &container,
        &template,
        template_is_whole,
        &source,
        diagnostics,
    );

    let case = Case::of(&container, diagnostics);
    let mut checker = FieldChecker {
        template: &template,
        template_is_whole,
        case,
        diagnostics,
    };
    let columns: Vec<Column> = fields
        .into_iter()
        .filter_map(|field| checker.column(field))
        .collect();
    check_key(&ident, &columns, diagnostics);
    check_names(&columns, [&version_column, &deleted_at_column], diagnostics);

    let complete = diagnostics.count() == before;
    let model = Model {
        ident,
        databases,
        table,
        version_column,
        deleted_at_column,
        version,
        template_text: source.text_tokens(),
        template,
        columns,
    };
    Checked { model, complete }
}

fn table(ident: &Ident, container: &Container, diagnostics: &mut Diagnostics) -> Table {
    let fallback = Table {
        schema: None,
        name: "users".to_owned(),
    };
    let Some(literal) = container.table.get() else {
        if container.present && !container.table.is_set() {
            diagnostics.error(
                ident,
                with_help(
                    format!("`{ident}` does not say which table its rows are in"),
                    r#"add `table = "users"` to `#[synced_user(…)]`"#,
                ),
            );
        }
        return fallback;
    };
    let name = literal.value();
    let mut parts = name.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => {
            identifier(literal, name, "table", diagnostics);
            Table {
                schema: None,
                name: name.to_owned(),
            }
        }
        (Some(schema), Some(name), None) => {
            identifier(literal, schema, "schema", diagnostics);
            identifier(literal, name, "table", diagnostics);
            Table {
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            }
        }
        _ => {
            diagnostics.error(
                literal,
                with_help(
                    "a table is named by at most a schema and a name",
                    r#"write `"accounts.users"`"#,
                ),
            );
            fallback
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

fn identifier(at: impl ToTokens, name: &str, what: &str, diagnostics: &mut Diagnostics) {
    let problem = if name.trim().is_empty() {
        format!("the {what}'s name is empty")
    } else if name.contains('\0') {
        format!("the {what}'s name holds a NUL, which no database takes")
    } else if name.len() > LONGEST_IDENTIFIER {
        format!(
            "the {what}'s name `{name}` has {} bytes, and PostgreSQL cuts names off after {LONGEST_IDENTIFIER}",
            name.len()
        )
    } else {
        return;
    };
    diagnostics.error(
        at,
        with_help(
            problem,
            format!("give the {what} a name of 1 to {LONGEST_IDENTIFIER} bytes"),
        ),
    );
}

/// Where the template's text comes from.
enum TemplateSource {
    Default,
    Inline(LitStr),
    File {
        literal: LitStr,
        path: String,
        text: String,
    },
    /// Reported; nothing is checked against it.
    Missing,
}

impl TemplateSource {
    fn find(container: &Container, diagnostics: &mut Diagnostics) -> Self {
        match (container.template.get(), container.template_json.get()) {
            (Some(_), Some(inline)) => {
                diagnostics.error(
                    inline,
                    with_help(
                        "the template is given twice",
                        "keep either `template` or `template_json`",
                    ),
                );
                Self::Missing
            }
            (None, Some(inline)) => Self::Inline(inline.clone()),
            (Some(literal), None) => Self::file(literal, diagnostics),
            (None, None) => Self::Default,
        }
    }

    fn file(literal: &LitStr, diagnostics: &mut Diagnostics) -> Self {
        let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        let path = Path::new(&manifest).join(literal.value());
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::File {
                literal: literal.clone(),
                path: path.to_string_lossy().into_owned(),
                text,
            },
            Err(error) => {
                let default = template::DEFAULT.replace('\n', "\n        ");
                diagnostics.error(
                    literal,
                    with_help(
                        format!("the template `{}` cannot be read: {error}", path.display()),
                        format!(
                            "the path is relative to the folder of the crate's Cargo.toml; a template to begin with:\n\n        {}",
                            default.trim_end()
                        ),
                    ),
                );
                Self::Missing
            }
        }
    }

    /// The template, and whether nothing is wrong with it.
    fn read(&self, allow_unbounded: bool, diagnostics: &mut Diagnostics) -> (Template, bool) {
        let (text, literal) = match self {
            Self::Default => (template::DEFAULT.to_owned(), None),
            Self::Inline(literal) => (literal.value(), Some(literal)),
            Self::File { literal, text, .. } => (text.clone(), Some(literal)),
            Self::Missing => return (Template::default(), false),
        };
        let (template, errors) = template::read(&text, allow_unbounded);
        let whole = errors.is_empty();
        for TemplateError { at, message, help } in errors {
            let place = match (at, self) {
                (Some(at), Self::File { literal, .. }) => {
                    let (line, column) = super::json::position(&text, at);
                    format!("{}:{line}:{column}: ", literal.value())
                }
                (Some(at), Self::Inline(_)) => {
                    let (line, column) = super::json::position(&text, at);
                    format!("line {line}, column {column} of the template: ")
                }
                _ => String::new(),
            };
            let message = format!("{place}{message}");
            let message = help.map_or(message.clone(), |help| with_help(&message, help));
            match literal {
                Some(literal) => diagnostics.error(literal, message),
                None => diagnostics.error_at(Span::call_site(), message),
            }
        }
        (template, whole)
    }

    /// An expression for the text. A file is included, so that a change to it rebuilds the crate.
    fn text_tokens(&self) -> TokenStream {
        match self {
            Self::Default => template::DEFAULT.to_token_stream(),
            Self::Inline(literal) => literal.to_token_stream(),
            Self::File { path, .. } => quote!(::core::include_str!(#path)),
            Self::Missing => "".to_token_stream(),
        }
    }

    fn literal(&self) -> Option<&LitStr> {
        match self {
            Self::Inline(literal) | Self::File { literal, .. } => Some(literal),
            Self::Default | Self::Missing => None,
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
                    "a version is either the claim `{{user.updated_at}}`, which needs no argument, or the token's `iat`",
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
            "no claim of the template is `{{user.updated_at}}`, so older data could not be told from newer",
            r#"add `"updatedAt": "{{user.updated_at}}"` to the template, or accept the weaker `version = "iat"`"#,
        );
        match source.literal() {
            Some(literal) => diagnostics.error(literal, message),
            None => diagnostics.error(ident, message),
        }
    }
    Version::IssuedAt
}

/// How a field's name becomes a claim's.
#[derive(Clone, Copy)]
enum Case {
    Camel,
    Kebab,
    Pascal,
    ScreamingSnake,
    Snake,
}

impl Case {
    const KNOWN: [(&'static str, Self); 5] = [
        ("camelCase", Self::Camel),
        ("kebab-case", Self::Kebab),
        ("PascalCase", Self::Pascal),
        ("SCREAMING_SNAKE_CASE", Self::ScreamingSnake),
        ("snake_case", Self::Snake),
    ];

    fn of(container: &Container, diagnostics: &mut Diagnostics) -> Self {
        let Some(literal) = container.rename_all.get() else {
            return Self::Camel;
        };
        let word = literal.value();
        let known = Self::KNOWN.iter().find(|(name, _)| *name == word);
        known.map_or_else(
            || {
                let names = Self::KNOWN.map(|(name, _)| name);
                diagnostics.error(
                    literal,
                    with_help(
                        format!("`{word}` is no case"),
                        format!("the cases are {}", crate::argument::list(&names)),
                    ),
                );
                Self::Camel
            },
            |(_, case)| *case,
        )
    }

    fn apply(self, field: &str) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
                .unwrap_or_default()
        };
        let mut words = field.split('_').filter(|word| !word.is_empty());
        match self {
            Self::Snake => field.to_owned(),
            Self::ScreamingSnake => field.to_uppercase(),
            Self::Kebab => words.collect::<Vec<_>>().join("-"),
            Self::Pascal => words.map(capital).collect(),
            Self::Camel => {
                let first = words.next().unwrap_or_default().to_owned();
                words.fold(first, |name, word| name + &capital(word))
            }
        }
    }
}

struct FieldChecker<'a> {
    template: &'a Template,
    template_is_whole: bool,
    case: Case,
    diagnostics: &'a mut Diagnostics,
}

impl FieldChecker<'_> {
    fn column(&mut self, field: Field) -> Option<Column> {
        let name = self.column_name(&field);
        let at = field.ty.span();
        let sql_type = field.column.sql_type.get().map(LitStr::value);
        let role = self.role(&field)?;
        Some(Column {
            ident: field.ident,
            ty: field.ty,
            at,
            name,
            sql_type,
            role,
        })
    }

    fn column_name(&mut self, field: &Field) -> String {
        use syn::ext::IdentExt;

        match field.column.name.get() {
            Some(literal) => {
                let name = literal.value();
                identifier(literal, &name, "column", self.diagnostics);
                name
            }
            None => {
                let name = field.ident.unraw().to_string();
                identifier(&field.ident, &name, "column", self.diagnostics);
                name
            }
        }
    }

    fn role(&mut self, field: &Field) -> Option<Role> {
        let marks = [
            ("generated", field.column.generated.span()),
            ("app", field.column.app.span()),
            ("updated_at", field.column.updated_at.span()),
        ];
        let mut set = marks.iter().filter_map(|(word, span)| Some((word, (*span)?)));
        let Some((word, span)) = set.next() else {
            // What stood in an attribute that could not be read may have been the answer.
            return if field.has_unread_attribute {
                None
            } else {
                self.claim_role(field)
            };
        };
        if let Some((second, span)) = set.next() {
            self.diagnostics.error_at(
                span,
                with_help(
                    format!("a column cannot be both `{word}` and `{second}`"),
                    "keep one: `generated` by the database, `app` by the application, `updated_at` by sync",
                ),
            );
            return None;
        }
        if field.claim.at.is_some() {
            self.diagnostics.error_at(
                span,
                with_help(
                    format!("a column that is `{word}` is not written from a claim"),
                    "remove either `#[claim(…)]` or `#[column(…)]`",
                ),
            );
            return None;
        }
        Some(match *word {
            "generated" => Role::Generated,
            "app" => Role::App,
            _ => Role::UpdatedAt,
        })
    }

    fn claim_role(&mut self, field: &Field) -> Option<Role> {
        use syn::ext::IdentExt;

        let field_name = field.ident.unraw().to_string();
        let name = match &field.claim.name {
            Some(literal) => literal.value(),
            None if field_name == "clerk_id" => "sub".to_owned(),
            None => self.case.apply(&field_name),
        };
        if name == "sub" {
            for span in [
                field.claim.default.span(),
                field.claim.required.span(),
                field.claim.insert_only.span(),
            ]
            .into_iter()
            .flatten()
            {
                self.diagnostics.error_at(
                    span,
                    with_help(
                        "the Clerk user id is in every token and never changes",
                        "remove this argument",
                    ),
                );
            }
            return Some(Role::Key);
        }
        let Some(claim) = self.template.claim(&name) else {
            if self.template_is_whole {
                self.no_claim(field, &field_name, &name);
            }
            return None;
        };
        if let Some(shortcode) = claim.expression.of_session() {
            let message = with_help(
                format!(
                    "the claim `{name}` holds `{{{{{shortcode}}}}}`, which belongs to a session and not to a user"
                ),
                "ask for `Session` in the handler instead, which has the organization of the request",
            );
            self.report_claim(field, message);
            return None;
        }
        let (kind, nullable) = claim.expression.kind();
        let source = claim.source.clone();
        let null = self.null(field, &name, nullable)?;
        if let Some(span) = field.claim.parse.span()
            && kind != Kind::Text
        {
            self.diagnostics.error_at(
                span,
                with_help(
                    format!("only text is parsed, and `{name}` is {}", kind.name()),
                    "remove `parse`",
                ),
            );
            return None;
        }
        Some(Role::Claim(ClaimColumn {
            claim: name,
            source,
            kind,
            nullable,
            null,
            parse: field.claim.parse.is_set(),
            insert_only: field.claim.insert_only.is_set(),
            with: field.claim.with.get().cloned(),
        }))
    }

    fn null(&mut self, field: &Field, name: &str, nullable: bool) -> Option<Null> {
        let (default, required) = (field.claim.default.span(), field.claim.required.span());
        let (null, span, word) = match (default, required) {
            (None, None) => return Some(Null::Held),
            (Some(span), None) => (Null::Default, span, "default"),
            (None, Some(span)) => (Null::Refused, span, "required"),
            (Some(_), Some(span)) => {
                self.diagnostics.error_at(
                    span,
                    with_help(
                        "null cannot both have a default and be refused",
                        "keep either `default` or `required`",
                    ),
                );
                return None;
            }
        };
        if !nullable {
            self.diagnostics.error_at(
                span,
                with_help(
                    format!("the claim `{name}` is never null"),
                    format!("remove `{word}`"),
                ),
            );
            return None;
        }
        Some(null)
    }

    fn no_claim(&mut self, field: &Field, field_name: &str, name: &str) {
        let claims = self.template.claims.iter().map(|claim| claim.name.as_str());
        let shortcode = format!("user.{field_name}");
        let help = if let Some(nearest) = suggest::nearest(name, claims) {
            format!("did you mean `#[claim(\"{nearest}\")]`?")
        } else if shortcode::look_up(&shortcode).is_ok() {
            format!(
                "add `\"{name}\": \"{{{{{shortcode}}}}}\"` to the template, or mark a column of your own with \
                 `#[column(app)]`"
            )
        } else {
            "mark a column of your own with `#[column(app)]`, one that the database makes with `#[column(generated)]`"
                .to_owned()
        };
        self.report_claim(
            field,
            with_help(format!("no claim of the template is called `{name}`"), help),
        );
    }

    fn report_claim(&mut self, field: &Field, message: String) {
        match &field.claim.name {
            Some(literal) => self.diagnostics.error(literal, message),
            None => self.diagnostics.error(&field.ident, message),
        }
    }
}

fn check_key(ident: &Ident, columns: &[Column], diagnostics: &mut Diagnostics) {
    let mut keys = columns.iter().filter(|column| matches!(column.role, Role::Key));
    if keys.next().is_none() {
        diagnostics.error(
            ident,
            with_help(
                format!("no field of `{ident}` holds the Clerk user id, by which rows are found"),
                "add `clerk_id: String`, or mark a field with `#[claim(\"sub\")]`",
            ),
        );
    }
    for second in keys {
        diagnostics.error(
            &second.ident,
            with_help(
                "a second field holds the Clerk user id, by which rows are found",
                "keep one of them",
            ),
        );
    }
}

fn check_names(columns: &[Column], bookkeeping: [&String; 2], diagnostics: &mut Diagnostics) {
    for (index, column) in columns.iter().enumerate() {
        if columns[..index].iter().any(|earlier| earlier.name == column.name) {
            diagnostics.error(
                &column.ident,
                with_help(
                    format!("a second field is stored in the column `{}`", column.name),
                    "give one of them another name with `#[column(name = \"…\")]`",
                ),
            );
        } else if bookkeeping.contains(&&column.name) {
            diagnostics.error(
                &column.ident,
                with_help(
                    format!("the column `{}` is kept by sync and needs no field", column.name),
                    "remove the field, or rename sync's column with `version_column` or `deleted_at_column`",
                ),
            );
        }
    }
}
