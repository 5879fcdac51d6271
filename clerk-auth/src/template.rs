//! The session-token template as code: compare what Clerk has with the structs, and the command that puts it into Clerk.
//!
//! The derive checks a struct against the template in the repository. Clerk's dashboard holds a copy, which may be edited
//! there. [`check_template`] compares the two without a network or a secret: it reads what Clerk's command line tool
//! prints (`clerk config pull --keys session`).

mod check;
mod command;
mod shortcodes;
mod size;

pub use check::{CheckedClaim, ExpectedTemplate, PulledConfigError, TemplateCheck, check_template};
pub(crate) use command::{on_one_line, patch_command_of};
#[doc(hidden)]
pub use size::shortcode_sizes;
