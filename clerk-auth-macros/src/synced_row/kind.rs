//! The kinds of rows, with the names that their derives use.

/// The kind of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RowKind {
    User,
    Organization,
    Membership,
}

/// The default template of a user.
const USER_TEMPLATE: &str = r#"{
  "email": "{{user.primary_email_address}}",
  "firstName": "{{user.first_name}}",
  "lastName": "{{user.last_name}}",
  "imageUrl": "{{user.image_url}}",
  "updatedAt": "{{user.updated_at}}"
}
"#;

/// The default template of an organization. Its claims have other names than the user's, because one token has both.
const ORGANIZATION_TEMPLATE: &str = r#"{
  "orgName": "{{org.name}}",
  "orgSlug": "{{org.slug}}",
  "orgImageUrl": "{{org.image_url}}"
}
"#;

/// The default template of a membership.
const MEMBERSHIP_TEMPLATE: &str = r#"{
  "orgRole": "{{org.role}}"
}
"#;

impl RowKind {
    /// All kinds. Each derive accepts the attributes of every kind, to report a wrong one better than rustc.
    pub(crate) const ALL: [Self; 3] = [Self::User, Self::Organization, Self::Membership];

    /// Returns the derive's name.
    pub(crate) const fn derive(self) -> &'static str {
        match self {
            Self::User => "SyncedUser",
            Self::Organization => "SyncedOrganization",
            Self::Membership => "SyncedMembership",
        }
    }

    /// Returns the name of the attribute on the struct.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::User => "synced_user",
            Self::Organization => "synced_organization",
            Self::Membership => "synced_membership",
        }
    }

    /// Returns an example of the attribute.
    pub(crate) const fn form(self) -> &'static str {
        match self {
            Self::User => r#"#[synced_user(table = "users", database(postgres))]"#,
            Self::Organization => r#"#[synced_organization(table = "organizations", database(postgres))]"#,
            Self::Membership => {
                r#"#[synced_membership(table = "memberships", user = User, organization = Organization, database(postgres))]"#
            }
        }
    }

    /// Returns the usual name of the table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
            Self::Membership => "memberships",
        }
    }

    /// Returns the arguments of the attribute.
    pub(crate) fn arguments(self) -> Vec<&'static str> {
        let mut known = vec![
            "table",
            "template",
            "template_json",
            "database",
            "version",
            "rename_all",
            "allow",
            "check",
            "fresh_for",
            "version_column",
            "deleted_at_column",
            "tombstones",
            "link",
            "user",
            "organization",
        ];
        let foreign: &[&str] = match self {
            Self::User => &["user", "organization"],
            Self::Organization => &["user", "organization", "version", "link"],
            Self::Membership => &["version", "link", "tombstones"],
        };
        known.retain(|argument| !foreign.contains(argument));
        known
    }

    /// Returns the noun for a message.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "membership",
        }
    }

    /// Returns the name of the id by which rows are found.
    pub(crate) const fn clerk_id(self) -> &'static str {
        match self {
            Self::User => "Clerk user id",
            Self::Organization => "Clerk organization id",
            Self::Membership => "Clerk ids of user and organization",
        }
    }

    /// Returns the claim of that id, with which a field can be marked. A token has no membership id.
    pub(crate) const fn key_claim(self) -> &'static str {
        match self {
            Self::User => "sub",
            Self::Organization => "o.id",
            Self::Membership => "",
        }
    }

    /// Returns the root of the shortcodes.
    pub(crate) const fn root(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization | Self::Membership => "org",
        }
    }

    /// Converts a field's name into the name of a claim.
    pub(crate) fn claim_of(self, field: &str) -> String {
        match self {
            Self::User => field.to_owned(),
            Self::Organization | Self::Membership if field.starts_with("org_") => field.to_owned(),
            Self::Organization | Self::Membership => format!("org_{field}"),
        }
    }

    pub(crate) const fn default_template(self) -> &'static str {
        match self {
            Self::User => USER_TEMPLATE,
            Self::Organization => ORGANIZATION_TEMPLATE,
            Self::Membership => MEMBERSHIP_TEMPLATE,
        }
    }
}
