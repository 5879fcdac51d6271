//! The meaning of one field: the writer of its column, and the claim that feeds it.

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, LitStr};

use super::case::Case;
use super::identifier::identifier;
use super::missing_claim;
use super::owner::foreign;
use super::spelling::{is_called, is_prelude};
use super::storage::{encoding, holds_no_moment, is_refused_as_small, is_refused_as_unsigned};
use super::unsupported;
use crate::diag::{Diagnostics, with_help};
use crate::synced_row::RowKind;
use crate::synced_row::model::{ClaimColumn, Column, Null, Referenced, Role};
use crate::synced_row::parse::{Database, Field};
use crate::synced_row::template::document::Template;
use crate::synced_row::template::shortcode::Kind;

/// Reads the fields against one template.
pub(crate) struct FieldChecker<'a> {
    pub(crate) kind: RowKind,
    pub(crate) template: &'a Template,
    pub(crate) template_is_whole: bool,
    pub(crate) case: Case,
    pub(crate) databases: &'a [Database],
    /// The struct.
    pub(crate) user: &'a Ident,
    /// True if a field holds the Clerk user id, or was reported as an undeclared one.
    pub(crate) has_key: bool,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl FieldChecker<'_> {
    pub(crate) fn column(&mut self, mut field: Field, is_last: bool) -> Option<Column> {
        let name = self.column_name(&field);
        field.ty = unsupported::without_self(field.ty, self.user);
        if unsupported::is_refused(&field.ty, self.user, is_last, self.diagnostics) {
            return None;
        }
        let at = field.ty.span();
        let is_prelude = is_prelude(&field.ty);
        let sql_type = field.column.sql_type.get().map(LitStr::value);
        let role = self.role(&field)?;
        let encoding = encoding(self.kind, &field, &role, self.diagnostics)?;
        if is_refused_as_unsigned(&field, &role, encoding, self.databases, self.diagnostics)
            || is_refused_as_small(&field, &role, self.diagnostics)
        {
            return None;
        }
        Some(Column {
            ident: field.ident,
            ty: field.ty,
            at,
            is_prelude,
            struct_at: self.user.span(),
            name,
            sql_type,
            encoding,
            role,
            is_link: false,
        })
    }

    fn column_name(&mut self, field: &Field) -> String {
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

    /// Returns the row that a field of a membership references, by the field's mark or by its name.
    fn referenced(&mut self, field: &Field) -> Option<Referenced> {
        let marks = [
            (field.column.user.span(), Referenced::User, "user_id", "user"),
            (
                field.column.organization.span(),
                Referenced::Organization,
                "organization_id",
                "organization",
            ),
        ];
        let mut found = None;
        for (span, referenced, name, word) in marks {
            match span {
                Some(span) if self.kind != RowKind::Membership => self.diagnostics.error_at(
                    span,
                    with_help(
                        format!(
                            "`{word}` marks a key of a membership, and `{}` is not a membership",
                            self.user
                        ),
                        "remove it, or derive `SyncedMembership`",
                    ),
                ),
                Some(_) => found = Some(referenced),
                None => {
                    let is_plain = field.claim.at.is_none() && !field.column.is_owned();
                    if self.kind == RowKind::Membership && is_plain && field.ident == name {
                        found = Some(referenced);
                    }
                }
            }
        }
        found
    }

    fn role(&mut self, field: &Field) -> Option<Role> {
        let before = self.diagnostics.count();
        if let Some(referenced) = self.referenced(field) {
            return Some(Role::Reference(referenced));
        }
        if self.diagnostics.count() > before {
            return None;
        }
        let marks = [
            ("generated", field.column.generated.span()),
            ("app", field.column.app.span()),
            ("updated_at", field.column.updated_at.span()),
        ];
        let mut set = marks.iter().filter_map(|(word, span)| Some((word, (*span)?)));
        let Some((word, span)) = set.next() else {
            // An unreadable attribute may have declared the role.
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
                    format!("`{}` cannot be both `{word}` and `{second}`", field.ident),
                    "keep one: `generated` by the database, `app` by the application, `updated_at` by sync",
                ),
            );
            return None;
        }
        if field.claim.at.is_some() {
            self.diagnostics.error_at(
                span,
                with_help(
                    format!("`{}` is `{word}`, so no claim is written to it", field.ident),
                    "remove either `#[claim(…)]` or `#[column(…)]`",
                ),
            );
            return None;
        }
        if *word == "updated_at" && holds_no_moment(&field.ty, self.databases) {
            self.diagnostics.error(
                &field.ty,
                with_help(
                    format!("sync writes a timestamp into `{}`, and its type cannot hold one", field.ident),
                    "use `time::OffsetDateTime` or `chrono::DateTime<chrono::Utc>`, each behind the feature of its name",
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
        let field_name = field.ident.unraw().to_string();
        let name = match &field.claim.name {
            Some(literal) => literal.value(),
            None if field_name == "clerk_id" => self.kind.key_claim().to_owned(),
            None => self.case.apply(&self.kind.claim_of(&field_name)),
        };
        if name == self.kind.key_claim() {
            for span in [
                field.claim.default.span(),
                field.claim.required.span(),
                field.claim.insert_only.span(),
                field.claim.unique.span(),
            ]
            .into_iter()
            .flatten()
            {
                self.diagnostics.error_at(
                    span,
                    with_help(
                        format!("the {} never changes", self.kind.clerk_id()),
                        "remove this argument",
                    ),
                );
            }
            if is_called(&field.ty, &["Option"]) {
                self.diagnostics.error(
                    &field.ty,
                    with_help(
                        format!("the {} is never null", self.kind.clerk_id()),
                        "write `String`, without `Option`",
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
        if let Some((shortcode, owner, remedy)) = foreign(self.kind, &claim.expression) {
            let message = with_help(
                format!("the claim `{name}` holds `{{{{{shortcode}}}}}`, which belongs to {owner}"),
                remedy,
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
        let refuses_taken = self.refuses_taken(field, &name, claim.expression.is_unique_value())?;
        Some(Role::Claim(Box::new(ClaimColumn {
            claim: name,
            source,
            kind,
            nullable,
            null,
            parse: field.claim.parse.is_set(),
            insert_only: field.claim.insert_only.is_set(),
            with: field.claim.with.get().cloned(),
            is_unique_value: claim.expression.is_unique_value() && !refuses_taken,
            is_link: false,
        })))
    }

    /// Returns whether `unique = "refuse"` applies: a value of another row refuses the user, although Clerk keeps such
    /// values unique.
    fn refuses_taken(&mut self, field: &Field, name: &str, is_unique_value: bool) -> Option<bool> {
        let Some(rule) = field.claim.unique.get() else {
            return (!field.claim.unique.is_set()).then_some(false);
        };
        let (message, help) = if rule.value() != "refuse" {
            (
                format!("unknown rule `{}` for a value that another row has", rule.value()),
                "write `unique = \"refuse\"`, or remove it for \"the newest version in Clerk wins\"",
            )
        } else if !is_unique_value {
            (
                format!(
                    "Clerk does not keep `{name}` unique, so a value that another row has is refused anyway"
                ),
                "remove `unique`",
            )
        } else {
            return Some(true);
        };
        self.diagnostics.error(rule, with_help(message, help));
        None
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
                        format!("null in the claim `{name}` cannot both have a default and be refused"),
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
        let message = missing_claim::message(
            self.kind,
            field,
            field_name,
            name,
            self.template,
            &mut self.has_key,
        );
        self.report_claim(field, message);
    }

    fn report_claim(&mut self, field: &Field, message: String) {
        match &field.claim.name {
            Some(literal) => self.diagnostics.error(literal, message),
            None => self.diagnostics.error(&field.ident, message),
        }
    }
}
