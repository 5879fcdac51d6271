//! Clerk's objects that shortcodes read, in the Backend API and in webhooks.

use crate::lenient::Node;

/// The objects that are known where a template is evaluated. A shortcode of another object has no value there.
#[derive(Clone, Copy)]
pub(crate) enum Objects<'a> {
    /// A user.
    User(Node<'a>),
    /// An organization.
    Organization(Node<'a>),
}

impl<'a> Objects<'a> {
    /// The object at the root of a shortcode.
    pub(super) fn root(self, root: &str) -> Option<Node<'a>> {
        match (self, root) {
            (Self::User(object), "user") | (Self::Organization(object), "org") => Some(object),
            _ => None,
        }
    }
}
