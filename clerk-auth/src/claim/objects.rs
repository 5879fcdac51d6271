//! The objects of the Backend API and of webhooks that shortcodes read.

use crate::lenient::Node;

/// The object over which a template is evaluated. A shortcode of another object has no value.
#[derive(Clone, Copy)]
pub(crate) enum Objects<'a> {
    /// A user.
    User(Node<'a>),
    /// An organization.
    Organization(Node<'a>),
    /// A membership, which contains its organization and has the member's role.
    Membership(Node<'a>),
}

impl<'a> Objects<'a> {
    /// Returns the object that a shortcode reads, by the shortcode's root.
    pub(super) fn of_shortcode(self, path: &str, root: &str) -> Option<Node<'a>> {
        match (self, root) {
            (Self::User(object), "user") | (Self::Membership(object), "org_membership") => Some(object),
            (Self::Organization(object), "org") if path != "org.role" => Some(object),
            (Self::Membership(object), "org") if path == "org.role" => Some(object),
            (Self::Membership(object), "org") => Some(object.get("organization")),
            _ => None,
        }
    }
}
