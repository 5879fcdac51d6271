//! Explains a path that is not a shortcode, and suggests the shortcode that was most likely meant.

use super::{METADATA, ORGANIZATIONS, ROOTS, SHORTCODES, allowed};
use crate::suggest;

/// This library's name and version in messages. Clerk's list of shortcodes grows between versions.
const THIS: &str = concat!(
    "clerk-auth ",
    env!("CARGO_PKG_VERSION_MAJOR"),
    ".",
    env!("CARGO_PKG_VERSION_MINOR")
);

/// Wrong names that documentation or habit suggests, and their most likely meanings.
const WRONG_NAMES: [(&str, &str); 7] = [
    ("user.primary_phone_address", "use `user.primary_phone_number`"),
    ("user.has_verified_email", "use `user.email_verified`"),
    (
        "user.private_metadata",
        "use `user.public_metadata`, or read private metadata from the Backend API",
    ),
    ("user.name", "use `user.full_name`, or `user.first_name`"),
    (
        "user.metadata",
        "use `user.public_metadata`, or `user.unsafe_metadata`, which the person can write",
    ),
    (
        "user.role",
        "the organization role is on `Session`; a role of your own is a member of `user.public_metadata`",
    ),
    (
        "session.id",
        "the session id is in every token; a handler reads it from `Session`",
    ),
];

/// Common names of a user's properties, and their shortcodes.
const SYNONYMS: [(&str, &str); 12] = [
    ("avatar", "user.image_url"),
    ("avatar_url", "user.image_url"),
    ("email", "user.primary_email_address"),
    ("email_address", "user.primary_email_address"),
    ("email_addresses", "user.primary_email_address"),
    ("image", "user.image_url"),
    ("phone", "user.primary_phone_number"),
    ("phone_number", "user.primary_phone_number"),
    ("phone_numbers", "user.primary_phone_number"),
    ("picture", "user.image_url"),
    ("picture_url", "user.image_url"),
    ("profile_image_url", "user.image_url"),
];

/// Returns the shortcode that a field of this name most likely means, if the shortcode has another name.
pub(crate) fn meant_by(field: &str) -> Option<&'static str> {
    SYNONYMS
        .iter()
        .find(|(synonym, _)| *synonym == field)
        .map(|(_, shortcode)| *shortcode)
}

/// The reason why a path is not a shortcode.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct UnknownShortcode {
    pub(crate) message: String,
    pub(crate) help: String,
}

pub(super) fn unknown(path: &str) -> UnknownShortcode {
    let message = format!("`{{{{{path}}}}}` is not known to {THIS}");
    let wrong = WRONG_NAMES
        .iter()
        .find(|(name, _)| path == *name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    if let Some((_, help)) = wrong {
        return UnknownShortcode {
            message,
            help: (*help).to_owned(),
        };
    }
    let property = path.strip_prefix("user.").and_then(|rest| rest.split('.').next());
    if let Some(shortcode) = property.and_then(meant_by) {
        return UnknownShortcode {
            message,
            help: format!("use `{{{{{shortcode}}}}}`"),
        };
    }
    let is_path = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    let invisible = |letter: &char| {
        !letter.is_ascii() && (letter.is_whitespace() || letter.is_control())
            || matches!(
                letter,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
            )
    };
    if let Some(invisible) = path.chars().find(invisible) {
        return UnknownShortcode {
            message: format!(
                "the shortcode contains the invisible character U+{:04X}",
                u32::from(invisible)
            ),
            help: "type the shortcode again by hand".to_owned(),
        };
    }
    if !is_path && path.contains('+') {
        return UnknownShortcode {
            message: format!("`{{{{{path}}}}}` is not a shortcode: strings cannot be added"),
            help: "write shortcodes beside each other: `{{user.first_name || ''}} {{user.last_name || ''}}`"
                .to_owned(),
        };
    }
    if !is_path {
        return UnknownShortcode {
            message: format!("`{{{{{path}}}}}` is not a shortcode: a shortcode consists of names separated by dots"),
            help: "write one such as `{{user.public_metadata.plan}}`, or with a fallback: `{{user.first_name || 'friend'}}`"
                .to_owned(),
        };
    }
    let root = path.split('.').next().unwrap_or_default();
    let message = if ROOTS.contains(&root) {
        message
    } else {
        format!("the root of `{{{{{path}}}}}` is not known to {THIS}")
    };
    let near = match member_of_metadata(path) {
        Some((metadata, member)) => Some(format!("{metadata}.{member}")),
        None => nearest(path).map(str::to_owned),
    };
    let help = match (near, root) {
        (Some(near), _) => format!("did you mean `{{{{{near}}}}}`?"),
        (None, "organization") => "the root of the active organization is `org`".to_owned(),
        (None, _) if allowed(path).is_some() => {
            "if Clerk has it, write `allow(unknown_shortcodes)` into `#[synced_user(…)]`: it is then any JSON, or null"
                .to_owned()
        }
        (None, _) => "shortcodes begin with `user.`, `org.`, `org_membership.` or `session.`".to_owned(),
    };
    UnknownShortcode { message, help }
}

/// Returns the shortcode that a path nearly equals. Root and rest must both be near, because all shortcodes of one root
/// are similar.
fn nearest(path: &str) -> Option<&'static str> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    let candidates = SHORTCODES.iter().map(|(known, _)| *known);
    candidates
        .chain(METADATA)
        .chain([ORGANIZATIONS])
        .filter_map(|known| {
            let (known_root, known_rest) = known.split_once('.')?;
            let off_root = suggest::distance(root, known_root);
            let off_rest = suggest::distance(rest, known_rest);
            let is_near = off_root <= known_root.len() / 3 && off_rest <= known_rest.len() / 4;
            is_near.then_some((off_root + off_rest, known))
        })
        .min_by_key(|(off, _)| *off)
        .map(|(_, known)| known)
}

/// Returns the metadata that a path nearly equals, and its member.
fn member_of_metadata(path: &str) -> Option<(&'static str, &str)> {
    let (root, rest) = path.split_once('.')?;
    let (name, member) = rest.split_once('.')?;
    let nearest = suggest::nearest(&format!("{root}.{name}"), METADATA)?;
    (!member.is_empty()).then_some((nearest, member))
}
