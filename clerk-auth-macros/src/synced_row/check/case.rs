//! Converts a field's name into a claim's.

use crate::diag::{Diagnostics, with_help};
use crate::synced_row::parse::Container;

/// A naming convention, such as `camelCase`.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Camel,
    Kebab,
    Pascal,
    ScreamingSnake,
    Snake,
}

impl Case {
    pub(crate) const KNOWN: [(&'static str, Self); 5] = [
        ("camelCase", Self::Camel),
        ("kebab-case", Self::Kebab),
        ("PascalCase", Self::Pascal),
        ("SCREAMING_SNAKE_CASE", Self::ScreamingSnake),
        ("snake_case", Self::Snake),
    ];

    pub(crate) fn of(container: &Container, diagnostics: &mut Diagnostics) -> Self {
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
                        format!("unknown case `{word}`"),
                        format!("the cases are {}", crate::argument::list(&names)),
                    ),
                );
                Self::Camel
            },
            |(_, case)| *case,
        )
    }

    pub(crate) fn apply(self, field: &str) -> String {
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
