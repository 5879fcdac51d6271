//! The kinds of rows, and the words of their derives.

/// The kind of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RowKind {
    User,
    Organization,
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

impl RowKind {
    /// Every kind. Each derive accepts the attributes of all, so that a wrong one is reported here and not by rustc.
    pub(crate) const ALL: [Self; 2] = [Self::User, Self::Organization];

    /// The derive's name.
    pub(crate) const fn derive(self) -> &'static str {
        match self {
            Self::User => "SyncedUser",
            Self::Organization => "SyncedOrganization",
        }
    }

    /// The name of the attribute on the struct.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::User => "synced_user",
            Self::Organization => "synced_organization",
        }
    }

    /// The attribute, as it is written.
    pub(crate) const fn form(self) -> &'static str {
        match self {
            Self::User => r#"#[synced_user(table = "users", database(postgres))]"#,
            Self::Organization => r#"#[synced_organization(table = "organizations", database(postgres))]"#,
        }
    }

    /// The usual name of the table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
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
        ];
        known.retain(|argument| self == Self::User || !["version", "link"].contains(argument));
        known
    }

    /// The word for it in a message.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
        }
    }

    /// The id by which rows are found.
    pub(crate) const fn clerk_id(self) -> &'static str {
        match self {
            Self::User => "Clerk user id",
            Self::Organization => "Clerk organization id",
        }
    }

    /// The place of that id in a token, by which a field can be marked.
    pub(crate) const fn key_claim(self) -> &'static str {
        match self {
            Self::User => "sub",
            Self::Organization => "o.id",
        }
    }

    /// The root of the shortcodes.
    pub(crate) const fn root(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "org",
        }
    }

    /// The field's name, as it becomes the name of a claim.
    pub(crate) fn claim_of(self, field: &str) -> String {
        match self {
            Self::User => field.to_owned(),
            Self::Organization if field.starts_with("org_") => field.to_owned(),
            Self::Organization => format!("org_{field}"),
        }
    }

    pub(crate) const fn default_template(self) -> &'static str {
        match self {
            Self::User => USER_TEMPLATE,
            Self::Organization => ORGANIZATION_TEMPLATE,
        }
    }
}
