//! Rows without a Clerk user, and the values by which they are found.

/// The value by which [linking](crate::UserSync::link) finds the row of a Clerk user.
///
/// ```
/// use clerk_auth::sync::LinkBy;
///
/// assert_eq!(LinkBy::default(), LinkBy::Email);
/// assert_eq!(serde_json::to_value(LinkBy::ExternalId)?, "external_id");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkBy {
    /// The primary e-mail address, which must be verified. The column is that of the claim
    /// `{{user.primary_email_address}}`.
    #[default]
    Email,
    /// The `external_id`, which only the application's back end can set. The column is that of `link(…)` if its claim
    /// is `{{user.external_id}}`, otherwise the column of that claim.
    ExternalId,
}

impl LinkBy {
    /// Returns the shortcode of the value, without braces.
    pub(crate) const fn shortcode(self) -> &'static str {
        match self {
            Self::Email => "user.primary_email_address",
            Self::ExternalId => "user.external_id",
        }
    }
}

/// The rows with one value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MatchedRows {
    /// The index of the value in the query, from 1.
    pub(crate) place: usize,
    /// The number of rows without a Clerk user.
    pub(crate) unlinked: i64,
    /// The number of other rows, which belong to a Clerk user or are marked as deleted.
    pub(crate) others: i64,
    /// A row without a Clerk user, if any.
    pub(crate) row: UnlinkedRow,
}

/// A row without a Clerk user.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct UnlinkedRow {
    /// The value as the row has it.
    pub(crate) value: Option<String>,
    /// The primary key as text.
    pub(crate) id: Option<String>,
}
