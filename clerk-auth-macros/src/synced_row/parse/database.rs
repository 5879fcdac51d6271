//! The databases that store a row: `database(postgres, sqlite)`.

use crate::argument::Argument;
use crate::diag::{Diagnostics, with_help};

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Database {
    Postgres,
    Sqlite,
}

impl Database {
    /// Returns whether the runtime crate has the items for this database.
    fn is_enabled(self) -> bool {
        match self {
            Self::Postgres => cfg!(any(feature = "postgres", test)),
            Self::Sqlite => cfg!(any(feature = "sqlite", test)),
        }
    }
}

pub(super) fn databases(argument: &Argument, diagnostics: &mut Diagnostics) -> Option<Vec<Database>> {
    const FORM: &str = "write `database(postgres)`, `database(sqlite)` or `database(postgres, sqlite)`";
    let Argument::List(key, arguments) = argument else {
        diagnostics.error_at(
            argument.span(),
            with_help("`database` expects a list in parentheses", FORM),
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
                let (word, form) = match other {
                    Argument::Literal(syn::Lit::Str(text)) => (text.value(), "is written without quotes"),
                    other => {
                        let word = other.key().map(ToString::to_string).unwrap_or_default();
                        (word, "takes no value")
                    }
                };
                let (message, help) = match word.to_lowercase().as_str() {
                    "postgres" | "sqlite" if !matches!(other, Argument::Word(_)) => (
                        format!("the name of the database {form}"),
                        format!("write `{word}`"),
                    ),
                    known => (
                        format!("the database `{word}` is not known"),
                        match known {
                            "postgresql" | "pg" => "write `postgres`".to_owned(),
                            "sqlite3" => "write `sqlite`".to_owned(),
                            _ => FORM.to_owned(),
                        },
                    ),
                };
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
