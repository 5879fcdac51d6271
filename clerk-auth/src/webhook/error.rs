//! The reasons why a body is not an event.

/// The reason why a body is not an event. The signature is valid, so the content deviates from Clerk's documentation,
/// and a retry does not help.
///
/// Data that a user can write never causes one of these errors. The causes are:
///
/// - the structure of the JSON is broken;
/// - the envelope lacks `object`, `type`, `timestamp` or `instance_id`, or one of them is not as Clerk documents;
/// - `data` is not an object, for a known type;
/// - a required identifier is missing, unreadable, or duplicated with different values: identifiers are never guessed;
/// - a deletion contains `"deleted": false`.
///
/// ```
/// use clerk_auth::id::DeliveryId;
/// use clerk_auth::webhook::Webhook;
///
/// let error = Webhook::parse(DeliveryId::new("msg_1"), br#"{"object": "event", "type": 7}"#).unwrap_err();
/// assert_eq!((error.code(), error.member()), ("webhook_member_malformed", Some("type")));
/// assert_eq!(error.to_string(), "the event's `type` is malformed");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The body is not one JSON object.
    #[error("the body is not a JSON object")]
    Body,
    /// A member that the type requires is missing.
    #[error("the event lacks `{0}`")]
    MemberMissing(Box<str>),
    /// A member cannot be read, is of another kind than Clerk documents, or has an invalid value.
    #[error("the event's `{0}` is malformed")]
    MemberMalformed(Box<str>),
}

impl EventError {
    /// Returns the stable code by which reasons are distinguished.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Body => "webhook_body_malformed",
            Self::MemberMissing(_) => "webhook_member_missing",
            Self::MemberMalformed(_) => "webhook_member_malformed",
        }
    }

    /// Returns the path of the member, such as `data.updated_at`.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Body => None,
            Self::MemberMissing(member) | Self::MemberMalformed(member) => Some(member),
        }
    }
}
