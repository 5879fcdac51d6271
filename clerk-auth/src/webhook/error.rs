//! Why a body is not an event.

/// Why a body is not an event. The sender signed the body, so Clerk sends what Clerk does not document, and no other attempt
/// will be better.
///
/// Nothing that a user can write is among the reasons. They are:
///
/// - the structure of the JSON is broken;
/// - the envelope lacks `object`, `type`, `timestamp` or `instance_id`, or one of them is not what Clerk documents;
/// - `data` is not an object, for a type that is known here;
/// - an identifier without which the event concerns nobody is missing, or unreadable, or duplicated with different values:
///   it is never guessed;
/// - a deletion says `"deleted": false`.
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
    /// A member that the type needs is not there.
    #[error("the event lacks `{0}`")]
    MemberMissing(Box<str>),
    /// A member cannot be read, is of another kind than Clerk documents, or of another value than it can have.
    #[error("the event's `{0}` is malformed")]
    MemberMalformed(Box<str>),
}

impl EventError {
    /// The stable word by which reasons are told apart.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Body => "webhook_body_malformed",
            Self::MemberMissing(_) => "webhook_member_missing",
            Self::MemberMalformed(_) => "webhook_member_malformed",
        }
    }

    /// The path of the member, such as `data.updated_at`.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Body => None,
            Self::MemberMissing(member) | Self::MemberMalformed(member) => Some(member),
        }
    }
}
