//! The kind of row that a shortcode belongs to.

use crate::synced_row::RowKind;
use crate::synced_row::template::expression::Expression;
use crate::synced_row::template::shortcode::Shortcode;

/// Finds a shortcode of another kind of row, and returns it with the reason and the remedy.
pub(super) fn foreign(kind: RowKind, expression: &Expression) -> Option<(&str, &'static str, &'static str)> {
    let is_foreign = |path: &str, _: &Shortcode| owner(kind, path).is_some();
    let path = expression.find_shortcode(&is_foreign)?;
    let (owner, remedy) = owner(kind, path)?;
    Some((path, owner, remedy))
}

/// Returns the owner of a shortcode and the remedy, unless this kind of row owns it.
fn owner(kind: RowKind, path: &str) -> Option<(&'static str, &'static str)> {
    let root = path.split('.').next().unwrap_or_default();
    match (kind, root) {
        (RowKind::User, "user") => None,
        (RowKind::User, _) => Some((
            "a session and not to a user",
            "take `Session` in the handler instead, which has the organization of the request",
        )),
        (RowKind::Organization, "org") if path == "org.role" => Some((
            "a member and not to an organization",
            "move the field into the struct with `#[derive(SyncedMembership)]`",
        )),
        (RowKind::Organization, "org") => None,
        (RowKind::Organization, "user") => Some((
            "a user and not to an organization",
            "move the field into the struct with `#[derive(SyncedUser)]`",
        )),
        (RowKind::Organization, "org_membership") => Some((
            "a member and not to an organization",
            "move the field into the struct with `#[derive(SyncedMembership)]`",
        )),
        (RowKind::Membership, "org_membership") => None,
        (RowKind::Membership, "org") if path == "org.role" => None,
        (RowKind::Membership, "org") => Some((
            "an organization and not to a membership",
            "move the field into the struct with `#[derive(SyncedOrganization)]`",
        )),
        (RowKind::Membership, "user") => Some((
            "a user and not to a membership",
            "move the field into the struct with `#[derive(SyncedUser)]`",
        )),
        (RowKind::Membership, _) => Some((
            "a session and not to a membership",
            "take `Session` in the handler instead",
        )),
        (RowKind::Organization, _) => Some((
            "a session and not to an organization",
            "take `Session` in the handler instead",
        )),
    }
}
