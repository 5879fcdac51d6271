//! Determines how long a row may be served from memory.

use crate::diag::{Diagnostics, with_help};
use crate::synced_row::model::{Column, Role};
use crate::synced_row::parse::Container;

/// Five seconds. Clerk's session tokens live for sixty, and their claims can be older still if Clerk's edge has copied
/// them. A twelfth of a token's life adds little age, and saves most reads of a page that makes several requests.
const DEFAULT: u64 = 5_000;

/// A minute, the lifetime of a session token. A row is compared with the claims of each new token.
const MAX_MILLISECONDS: u64 = 60_000;

/// Returns the freshness in milliseconds; with 0, every request reads the row. The default is 0 if the application may
/// write columns at any time.
pub(crate) fn fresh_for(container: &Container, columns: &[Column], diagnostics: &mut Diagnostics) -> u64 {
    let Some(literal) = container.fresh_for.get() else {
        let written_elsewhere = columns.iter().any(|column| match &column.role {
            Role::App => true,
            Role::Claim(claim) => claim.insert_only,
            Role::Key | Role::Generated | Role::UpdatedAt | Role::Reference(_) => false,
        });
        return if written_elsewhere { 0 } else { DEFAULT };
    };
    match milliseconds(&literal.value()) {
        Some(milliseconds) if milliseconds <= MAX_MILLISECONDS => milliseconds,
        Some(_) => {
            diagnostics.error(
                literal,
                with_help(
                    "a row is cached for at most 60 seconds, the lifetime of a session token",
                    r#"write `fresh_for = "60s"` or less"#,
                ),
            );
            0
        }
        None => {
            diagnostics.error(
                literal,
                with_help(
                    format!("`{}` is not a time in seconds or milliseconds", literal.value()),
                    r#"write `fresh_for = "5s"` or `"250ms"`; `"0s"` disables the cache"#,
                ),
            );
            0
        }
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let (number, factor) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s')?, 1_000),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(factor)
}
