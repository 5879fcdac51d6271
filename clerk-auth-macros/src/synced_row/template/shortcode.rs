//! The shortcodes that Clerk renders in a session token: kind, nullability and size (Clerk's documentation, "JWT
//! templates" and "Customize your session token").

mod unknown;

pub(crate) use unknown::{UnknownShortcode, meant_by};

use unknown::unknown;

/// The kind of a claim; the runtime crate has a type of the same name for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Json,
    Number,
    Object,
    Text,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Json => "any JSON",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::Text => "text",
        }
    }

    /// Returns the Rust type to suggest for a claim of this kind.
    pub(crate) const fn rust_type(self) -> &'static str {
        match self {
            Self::Boolean => "bool",
            Self::Integer => "i64",
            Self::Json | Self::Object => "serde_json::Value",
            Self::Number => "f64",
            Self::Text => "String",
        }
    }
}

/// The output of a shortcode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shortcode {
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// True if the shortcode depends on the session or its organization, and so is not a property of the user.
    pub(crate) of_session: bool,
    /// The largest assumed output in bytes; `None` if unbounded.
    pub(crate) most_bytes: Option<usize>,
}

/// The shortcodes that have a value whenever an organization is active. By Clerk's Backend API, an organization always
/// has a name, `has_image` and metadata. A membership always has a role, permissions and metadata.
const OF_EACH_ORGANIZATION: [&str; 7] = [
    "org.has_image",
    "org.id",
    "org.name",
    "org.public_metadata",
    "org.role",
    "org_membership.permissions",
    "org_membership.public_metadata",
];

impl Shortcode {
    /// Returns the shortcode's output while an organization is active.
    pub(crate) fn in_active_organization(self, path: &str) -> Self {
        Self {
            nullable: self.nullable && !OF_EACH_ORGANIZATION.contains(&path),
            most_bytes: self.most_bytes.filter(|_| !METADATA.contains(&path)),
            ..self
        }
    }
}

const fn user(kind: Kind, nullable: bool, most_bytes: usize) -> Shortcode {
    Shortcode {
        kind,
        nullable,
        of_session: false,
        most_bytes: Some(most_bytes),
    }
}

const fn session(kind: Kind) -> Shortcode {
    session_of(kind, 100)
}

const fn session_of(kind: Kind, most_bytes: usize) -> Shortcode {
    Shortcode {
        kind,
        nullable: true,
        of_session: true,
        most_bytes: Some(most_bytes),
    }
}

/// The shortcodes in Clerk's documentation and in the list next to its dashboard's editor. An e-mail address has at
/// most 254 bytes (RFC 5321 section 4.5.3.1.3 less the brackets), a phone number 16 (E.164 with `+`). Unix seconds have
/// 10 bytes, and Clerk's ids 32. Clerk documents no bounds for names, wallets and picture addresses. The sizes 100 and
/// 300 are assumptions, larger than values in practice.
const SHORTCODES: [(&str, Shortcode); 29] = [
    ("user.id", user(Kind::Text, false, 32)),
    ("user.first_name", user(Kind::Text, true, 100)),
    ("user.last_name", user(Kind::Text, true, 100)),
    ("user.full_name", user(Kind::Text, true, 201)),
    ("user.username", user(Kind::Text, true, 64)),
    ("user.external_id", user(Kind::Text, true, 100)),
    ("user.primary_email_address", user(Kind::Text, true, 254)),
    ("user.primary_phone_number", user(Kind::Text, true, 16)),
    ("user.primary_web3_wallet", user(Kind::Text, true, 100)),
    ("user.created_at", user(Kind::Integer, false, 10)),
    ("user.updated_at", user(Kind::Integer, false, 10)),
    ("user.email_verified", user(Kind::Boolean, false, 5)),
    ("user.phone_number_verified", user(Kind::Boolean, false, 5)),
    ("user.two_factor_enabled", user(Kind::Boolean, false, 5)),
    ("user.image_url", user(Kind::Text, false, 300)),
    ("user.has_image", user(Kind::Boolean, false, 5)),
    ("org.id", session(Kind::Text)),
    ("org.name", session(Kind::Text)),
    ("org.slug", session(Kind::Text)),
    ("org.role", session(Kind::Text)),
    ("org.image_url", session_of(Kind::Text, 300)),
    ("org.has_image", session(Kind::Boolean)),
    ("org.public_metadata", session(Kind::Object)),
    ("org_membership.public_metadata", session(Kind::Object)),
    ("org_membership.permissions", session(Kind::Json)),
    ("session.actor", session(Kind::Object)),
    ("session.reverification_id", session(Kind::Text)),
    ("session.created_at", session(Kind::Integer)),
    ("session.expire_at", session(Kind::Integer)),
];

/// An object of organization ids and roles, without a bound on their number. A user object does not contain them.
const ORGANIZATIONS: &str = "user.organizations";

/// The objects that shortcodes read.
pub(crate) const ROOTS: [&str; 4] = ["user", "org", "org_membership", "session"];

/// The objects whose members a path may name. A whole object is bounded only by Clerk's 8 KB.
const METADATA: [&str; 4] = [
    "user.public_metadata",
    "user.unsafe_metadata",
    "org.public_metadata",
    "org_membership.public_metadata",
];

/// The assumed size of one value inside metadata, in bytes.
const METADATA_VALUE: usize = 100;

pub(crate) fn look_up(path: &str) -> Result<Shortcode, UnknownShortcode> {
    if let Some((_, shortcode)) = SHORTCODES.iter().find(|(known, _)| *known == path) {
        return Ok(*shortcode);
    }
    if path == ORGANIZATIONS {
        return Ok(Shortcode {
            kind: Kind::Object,
            nullable: false,
            of_session: false,
            most_bytes: None,
        });
    }
    for root in METADATA {
        let of_session = !root.starts_with("user.");
        if path == root {
            return Ok(Shortcode {
                kind: Kind::Object,
                nullable: of_session,
                of_session,
                most_bytes: None,
            });
        }
        let inside = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('.'));
        if inside.is_some_and(|rest| rest.split('.').all(|step| !step.is_empty())) {
            return Ok(Shortcode {
                kind: Kind::Json,
                nullable: true,
                of_session,
                most_bytes: Some(METADATA_VALUE),
            });
        }
    }
    Err(unknown(path))
}

/// Returns the shortcode of an unknown path under `allow(unknown_shortcodes)`: any JSON or null, of unbounded size.
/// Returns `None` if the root is unknown or the path is malformed.
pub(crate) fn allowed(path: &str) -> Option<Shortcode> {
    let is_step = |step: &str| {
        !step.is_empty()
            && step
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let (root, rest) = path.split_once('.')?;
    let is_known = ROOTS.contains(&root) && rest.split('.').all(is_step);
    is_known.then_some(Shortcode {
        kind: Kind::Json,
        nullable: true,
        of_session: root != "user",
        most_bytes: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_names_are_answered_by_name() {
        for (path, help) in [
            ("user.primary_phone_address", "user.primary_phone_number"),
            ("user.has_verified_email", "user.email_verified"),
            (
                "user.private_metadata.plan",
                "private metadata from the Backend API",
            ),
            ("user.frist_name", "user.first_name"),
            ("usr.first_name", "user.first_name"),
            ("organization.name", "org"),
            ("user.publicMetadata.plan.name", "user.public_metadata.plan.name"),
            ("user.avatar_url", "user.image_url"),
            ("user.first_name + user.last_name", "beside each other"),
            ("user.first_name | upcase", "with a fallback"),
            ("user.public_metadata['plan']", "user.public_metadata.plan"),
            ("user.organisations", "user.organizations"),
            ("sesion.actor", "session.actor"),
            ("user.has_mfa", "allow(unknown_shortcodes)"),
            ("user.last_sign_in_at", "allow(unknown_shortcodes)"),
            ("user.banned", "allow(unknown_shortcodes)"),
            ("org.members_count", "allow(unknown_shortcodes)"),
            ("company.name", "shortcodes begin with"),
        ] {
            let unknown = look_up(path).expect_err(path);
            assert!(unknown.help.contains(help), "{path}: {}", unknown.help);
            let message = unknown.message + &unknown.help;
            assert!(!message.contains("render"), "{path}: {message}");
        }
    }

    #[test]
    fn unknown_path_under_a_known_root_can_be_allowed() {
        for (path, of_session) in [
            ("user.locale", false),
            ("user.i_dont_exist", false),
            ("user.organizations.org_1", false),
            ("org.members_count", true),
            ("session.status", true),
        ] {
            look_up(path).expect_err(path);
            let shortcode = allowed(path).expect(path);
            assert_eq!((shortcode.kind, shortcode.nullable), (Kind::Json, true), "{path}");
            assert_eq!(
                (shortcode.of_session, shortcode.most_bytes),
                (of_session, None),
                "{path}"
            );
        }
        for path in [
            "",
            "user",
            "user.",
            "user..x",
            "usr.x",
            "organization.name",
            "user.a b",
            "user.x || y",
            "user.x['y']",
        ] {
            assert_eq!(allowed(path), None, "{path}");
        }
    }

    #[test]
    fn metadata_is_reached_into_at_any_depth() {
        let whole = look_up("user.public_metadata").expect("known");
        assert_eq!(
            (whole.kind, whole.nullable, whole.most_bytes),
            (Kind::Object, false, None)
        );
        let inside = look_up("user.public_metadata.billing.plan").expect("known");
        assert_eq!((inside.kind, inside.nullable), (Kind::Json, true));
        look_up("user.public_metadata.").expect_err("an empty step");
    }
}
