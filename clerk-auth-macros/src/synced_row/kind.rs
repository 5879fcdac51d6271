//! The kinds of rows, and the words of their derives.

/// The kind of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RowKind {
    User,
    Organization,
    Membership,
}

/// The template that applies if the struct of a user names none.
const USER_TEMPLATE: &str = r#"{
  "email": "{{user.primary_email_address}}",
  "firstName": "{{user.first_name}}",
  "lastName": "{{user.last_name}}",
  "imageUrl": "{{user.image_url}}",
  "updatedAt": "{{user.updated_at}}"
}
"#;

/// The template that applies if the struct of an organization names none. Its names are apart from those of the user,
/// because one token has both.
const ORGANIZATION_TEMPLATE: &str = r#"{
  "orgName": "{{org.name}}",
  "orgSlug": "{{org.slug}}",
  "orgImageUrl": "{{org.image_url}}"
}
"#;

/// The template that applies if the struct of a membership names none.
const MEMBERSHIP_TEMPLATE: &str = r#"{
  "orgRole": "{{org.role}}"
}
"#;

impl RowKind {
    /// Every kind. Each derive accepts the attributes of all, so that a wrong one is reported here and not by rustc.
    pub(crate) const ALL: [Self; 2] = [Self::User, Self::Organization];

    /// The derive's name.
    pub(crate) const fn derive(self) -> &'static str {
        match self {
            Self::User => "SyncedUser",
            Self::Organization => "SyncedOrganization",
            Self::Membership => "SyncedMembership",
        }
    }

    /// The name of the attribute on the struct.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::User => "synced_user",
            Self::Organization => "synced_organization",
            Self::Membership => "synced_membership",
        }
    }

    /// The attribute, as it is written.
    pub(crate) const fn form(self) -> &'static str {
        match self {
            Self::User => r#"#[synced_user(table = "users", database(postgres))]"#,
            Self::Organization => r#"#[synced_organization(table = "organizations", database(postgres))]"#,
            Self::Membership => {
                r#"#[synced_membership(table = "memberships", user = User, organization = Organization, database(postgres))]"#
            }
        }
    }

    /// The usual name of the table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
            Self::Membership => "memberships",
        }
    }

    /// The arguments of the attribute.
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

    /// The word for it in a message.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "membership",
        }
    }

    /// The id by which rows are found.
    pub(crate) const fn clerk_id(self) -> &'static str {
        match self {
            Self::User => "Clerk user id",
            Self::Organization => "Clerk organization id",
            Self::Membership => "Clerk ids of user and organization",
        }
    }

    /// The place of that id in a token, by which a field can be marked. A membership has no id in a token.
    pub(crate) const fn key_claim(self) -> &'static str {
        match self {
            Self::User => "sub",
            Self::Organization => "o.id",
            Self::Membership => "",
        }
    }

    /// The root of the shortcodes.
    pub(crate) const fn root(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization | Self::Membership => "org",
        }
    }

    /// The field's name, as it becomes the name of a claim.
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
