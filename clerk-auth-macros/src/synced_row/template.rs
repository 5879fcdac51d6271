//! The session-token template: the JSON text, its expressions, and the shortcodes of Clerk.

pub(crate) mod document;
pub(crate) mod expression;
pub(crate) mod json;
pub(crate) mod shortcode;
pub(crate) mod source;
