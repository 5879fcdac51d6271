//! The source of the template's text: a file, the attribute itself, or the default.

use std::path::Path;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use super::document::{self, Leniency, Template, TemplateError};
use crate::diag::{Diagnostics, with_help};
use crate::synced_row::RowKind;
use crate::synced_row::parse::Container;

/// The source of the template's text.
pub(crate) enum TemplateSource {
    Default(RowKind),
    Inline(LitStr),
    File {
        literal: LitStr,
        path: String,
        text: String,
    },
    /// A mistake was reported, so nothing is checked against the template.
    Missing,
}

impl TemplateSource {
    pub(crate) fn find(kind: RowKind, container: &Container, diagnostics: &mut Diagnostics) -> Self {
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
            (None, Some(inline)) if inline.value().ends_with(".json") => {
                diagnostics.error(
                    inline,
                    with_help(
                        "`template_json` expects a template, found the name of a file",
                        format!(r#"write `template = "{}"`"#, inline.value()),
                    ),
                );
                Self::Missing
            }
            (None, Some(inline)) => Self::Inline(inline.clone()),
            (Some(literal), None) => Self::file(kind, literal, diagnostics),
            // The unreadable attribute may have named the template.
            (None, None) if container.unread => Self::Missing,
            (None, None) => Self::Default(kind),
        }
    }

    fn file(kind: RowKind, literal: &LitStr, diagnostics: &mut Diagnostics) -> Self {
        let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        let path = Path::new(&manifest).join(literal.value());
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::File {
                literal: literal.clone(),
                path: path.to_string_lossy().into_owned(),
                text,
            },
            Err(_) if literal.value().trim_start().starts_with('{') => {
                diagnostics.error(
                    literal,
                    with_help(
                        "`template` expects the path of a file, found a template",
                        r##"write `template_json = r#"{…}"#`"##,
                    ),
                );
                Self::Missing
            }
            Err(error) => {
                let default = kind.default_template().replace('\n', "\n        ");
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

    /// Parses the template, and returns whether it is valid.
    pub(crate) fn read(
        &self,
        kind: RowKind,
        allowed: Leniency,
        diagnostics: &mut Diagnostics,
    ) -> (Template, bool) {
        let (text, literal) = match self {
            Self::Default(kind) => (kind.default_template().to_owned(), None),
            Self::Inline(literal) => (literal.value(), Some(literal)),
            Self::File { literal, text, .. } => (text.clone(), Some(literal)),
            Self::Missing => return (Template::default(), false),
        };
        let (template, errors) = document::read(&text, allowed);
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
            let message = help.map_or(message.clone(), |help| {
                with_help(&message, help.replace("synced_user", kind.attribute()))
            });
            match literal {
                Some(literal) => diagnostics.error(literal, message),
                None => diagnostics.error_at(Span::call_site(), message),
            }
        }
        (template, whole)
    }

    /// Returns an expression for the text. For a file, the expression includes it, so that a change rebuilds the crate.
    pub(crate) fn text_tokens(&self) -> TokenStream {
        match self {
            Self::Default(kind) => kind.default_template().to_token_stream(),
            Self::Inline(literal) => literal.to_token_stream(),
            Self::File { path, .. } => quote!(::core::include_str!(#path)),
            Self::Missing => "".to_token_stream(),
        }
    }

    pub(crate) fn literal(&self) -> Option<&LitStr> {
        match self {
            Self::Inline(literal) | Self::File { literal, .. } => Some(literal),
            Self::Default(_) | Self::Missing => None,
        }
    }
}
