//! The names of tables, schemas and columns.

use quote::ToTokens;

use crate::diag::{Diagnostics, with_help};

/// PostgreSQL truncates longer identifiers, so that two of them may become equal.
const MAX_IDENTIFIER_LENGTH: usize = 63;

/// Reports a name that a database would not preserve.
pub(crate) fn identifier(at: impl ToTokens, name: &str, what: &str, diagnostics: &mut Diagnostics) {
    let problem = if name.trim().is_empty() {
        format!("the {what}'s name is empty")
    } else if name.contains('\0') {
        format!("the {what}'s name contains a NUL, which databases do not accept")
    } else if name.contains(['"', '`']) {
        diagnostics.error(
            at,
            with_help(
                format!("the {what}'s name `{name}` contains quotes, and each statement adds its own"),
                format!("write `\"{}\"`", name.replace(['"', '`'], "")),
            ),
        );
        return;
    } else if name.len() > MAX_IDENTIFIER_LENGTH {
        format!(
            "the {what}'s name `{name}` has {} bytes, and PostgreSQL truncates names to {MAX_IDENTIFIER_LENGTH}",
            name.len()
        )
    } else {
        return;
    };
    diagnostics.error(
        at,
        with_help(
            problem,
            format!("give the {what} a name of 1 to {MAX_IDENTIFIER_LENGTH} bytes"),
        ),
    );
}
