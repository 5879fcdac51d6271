//! Builds the command that sets a template at Clerk.

use serde_json::{Value, json};

use crate::row::SyncedRow;

/// Returns the template of a struct on one line without escapes, to be pasted from a log.
pub(crate) fn on_one_line<U: SyncedRow>() -> String {
    U::SESSION_TOKEN_TEMPLATE.lines().map(str::trim).collect()
}

/// Returns the command that sets the claims of a struct.
pub(crate) fn patch_command_of<U: SyncedRow>() -> String {
    // The derive has parsed the same text.
    patch_command(&serde_json::from_str(U::SESSION_TOKEN_TEMPLATE).unwrap_or_default())
}

/// Returns the command of Clerk's command line tool that sets the claims, on one line. The JSON is in single quotes for
/// a POSIX shell, which only a single quote ends (POSIX.1-2024, 2.2.2).
pub(super) fn patch_command(claims: &Value) -> String {
    let patch = json!({ "session": { "claims": claims } }).to_string();
    format!("clerk config patch --json '{}'", patch.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_one_word_for_the_patch() {
        for (claims, command) in [
            (
                json!({ "email": "{{user.primary_email_address}}" }),
                r#"clerk config patch --json '{"session":{"claims":{"email":"{{user.primary_email_address}}"}}}'"#,
            ),
            (
                json!({ "name": "{{user.first_name || 'friend'}}" }),
                r#"clerk config patch --json '{"session":{"claims":{"name":"{{user.first_name || '\''friend'\''}}"}}}'"#,
            ),
            (
                json!({ "text": "$(rm) `rm`\n\\" }),
                r#"clerk config patch --json '{"session":{"claims":{"text":"$(rm) `rm`\n\\"}}}'"#,
            ),
        ] {
            assert_eq!(patch_command(&claims), command);
        }
    }
}
