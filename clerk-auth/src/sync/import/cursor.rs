//! The position in an import, to be stored as text.

use std::fmt;
use std::str::FromStr;

use crate::row::RowKind;
use crate::sync::offline::pages::Position;

/// A position in an import, as a string to be stored in a file or a table.
///
/// ```
/// use clerk_auth::sync::ImportCursor;
///
/// let kept = "users after user_29w83sxmDNGwOuEthce5gg56FcC";
/// let cursor: ImportCursor = kept.parse()?;
/// assert_eq!(cursor.to_string(), kept);
/// # Ok::<(), clerk_auth::sync::ParseCursorError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ImportCursor {
    pub(super) kind: RowKind,
    pub(super) part: ImportPart,
    pub(super) position: Position,
}

/// The parts of an import, in their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ImportPart {
    /// Reading Clerk's list.
    Clerk,
    /// Reading the table's rows.
    Rows,
}

/// The text is not a cursor.
///
/// ```
/// use clerk_auth::sync::{ImportCursor, ParseCursorError};
///
/// assert_eq!("user_29w83sxmDNGwOuEthce5gg56FcC".parse::<ImportCursor>(), Err(ParseCursorError));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid import cursor; expected something like `users after user_29w83sxmDNGwOuEthce5gg56FcC`")]
pub struct ParseCursorError;

const PREFIXES: [(&str, RowKind, ImportPart); 6] = [
    ("users after ", RowKind::User, ImportPart::Clerk),
    ("rows after ", RowKind::User, ImportPart::Rows),
    ("organizations after ", RowKind::Organization, ImportPart::Clerk),
    (
        "organization rows after ",
        RowKind::Organization,
        ImportPart::Rows,
    ),
    ("memberships after ", RowKind::Membership, ImportPart::Clerk),
    ("membership rows after ", RowKind::Membership, ImportPart::Rows),
];

/// The separator before the offset, for a list that Clerk pages by offset.
const OFFSET: &str = ", offset ";

/// The separator before the time of creation.
const CREATED: &str = ", created ";

impl ImportCursor {
    /// Returns whether the text has an offset. Users have none, because Clerk pages them by id.
    fn has_offset(kind: RowKind, part: ImportPart) -> bool {
        kind != RowKind::User && part == ImportPart::Clerk
    }
}

impl fmt::Display for ImportCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, part, position } = self;
        let prefix = PREFIXES
            .iter()
            .find(|prefix| (prefix.1, prefix.2) == (*kind, *part));
        let prefix = prefix.map_or("", |prefix| prefix.0);
        write!(formatter, "{prefix}{}", position.id)?;
        if !Self::has_offset(*kind, *part) {
            return Ok(());
        }
        write!(formatter, "{OFFSET}{}", position.offset)?;
        match position.created_at {
            Some(created_at) => write!(formatter, "{CREATED}{created_at}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ImportCursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let (kind, part, rest) = PREFIXES
            .iter()
            .find_map(|(prefix, kind, part)| Some((*kind, *part, text.strip_prefix(prefix)?)))
            .ok_or(ParseCursorError)?;
        let position = match Self::has_offset(kind, part) {
            false => Position::at(rest),
            true => {
                let (id, rest) = rest.split_once(OFFSET).ok_or(ParseCursorError)?;
                let (offset, created_at) = match rest.split_once(CREATED) {
                    Some((offset, created_at)) => (offset, Some(created_at)),
                    None => (rest, None),
                };
                let created_at = created_at.map(str::parse).transpose();
                Position {
                    id: id.to_owned(),
                    offset: offset.parse().map_err(|_| ParseCursorError)?,
                    created_at: created_at.map_err(|_| ParseCursorError)?,
                }
            }
        };
        if position.id.is_empty() {
            return Err(ParseCursorError);
        }
        Ok(Self { kind, part, position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_read_as_it_was_written() {
        for text in [
            "users after user_ada",
            "rows after user_ada",
            "organizations after org_1, offset 1500, created 1700000000000",
            "organizations after org_1, offset 0",
            "organization rows after org_1",
            "memberships after orgmem_1, offset 3, created -1",
            "membership rows after user_ada:org_1",
        ] {
            let cursor: Result<ImportCursor, _> = text.parse();
            assert_eq!(cursor.map(|cursor| cursor.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        for text in [
            "",
            "org_1",
            "users after ",
            "organizations after org_1",
            "organizations after , offset 1",
            "organizations after org_1, offset -1",
            "memberships after orgmem_1, offset 1, created now",
            "rows before user_ada",
        ] {
            assert_eq!(text.parse::<ImportCursor>(), Err(ParseCursorError), "{text}");
        }
    }
}
