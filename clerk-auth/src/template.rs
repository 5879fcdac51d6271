//! The session-token template as code: compares Clerk's copy with the structs, and builds the command that updates it.
//!
//! The derive checks a struct against the template in the repository. Clerk's dashboard has a copy, which may be edited
//! there. [`check_template`] compares the two without a network or a secret: it reads the output of Clerk's command
//! line tool (`clerk config pull --keys session`).

mod check;
mod command;
mod shortcodes;
mod size;

pub use check::{CheckedClaim, ExpectedTemplate, PulledConfigError, TemplateCheck, check_template};
pub(crate) use command::{on_one_line, patch_command_of};
#[doc(hidden)]
pub use size::shortcode_sizes;
