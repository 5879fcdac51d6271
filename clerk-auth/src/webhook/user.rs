//! A Clerk user as events describe one (Clerk's Backend API, "User").

use serde_json::Value;

use super::event::EventError;
use super::member::Members;
use crate::id::UserId;
use crate::time::Timestamp;

/// A user, of whom the members that applications ask for most are typed; [`raw`](Self::raw) has them all.
///
/// ```
/// # use clerk_auth::webhook::{Event, EventError, Webhook};
/// # fn main() -> Result<(), EventError> {
/// # let body = br#"{"object":"event","type":"user.updated","timestamp":1716883200,"instance_id":"ins_1","data":{
/// #     "id":"user_ada","created_at":1716883100000,"updated_at":1716883200000,"banned":true,"username":"ada",
/// #     "public_metadata":{"plan":"pro"},"primary_email_address_id":"idn_1","email_addresses":[
/// #     {"id":"idn_1","email_address":"ada@example.com","verification":{"status":"verified"}}]}}"#;
/// # let event = Webhook::parse(clerk_auth::id::DeliveryId::new("msg_1"), body)?.event;
/// # let Event::UserUpdated(user) = event else { panic!() };
/// assert_eq!(user.id.as_str(), "user_ada");
/// assert!(user.banned && user.primary_email.as_ref().is_some_and(|email| email.verified));
/// assert_eq!(user.public_metadata()["plan"], "pro");
/// assert_eq!(user.raw()["username"], "ada");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClerkUser {
    /// Who it is.
    pub id: UserId,
    /// The application's own id of the user, if it gave one to Clerk.
    pub external_id: Option<Box<str>>,
    /// The name with which the user signs in, where the instance has such names.
    pub username: Option<Box<str>>,
    /// The first name.
    pub first_name: Option<Box<str>>,
    /// The last name.
    pub last_name: Option<Box<str>>,
    /// The picture's address.
    pub image_url: Option<Box<str>>,
    /// The primary e-mail address. There is none for a user who signs in by telephone, say.
    pub primary_email: Option<EmailAddress>,
    /// The user may not sign in any more; Clerk has ended the sessions.
    pub banned: bool,
    /// The user may not sign in at the moment; sessions go on.
    pub locked: bool,
    /// For how long the user stays locked, in seconds; none if for ever, or not locked.
    pub lockout_expires_in_seconds: Option<i64>,
    /// The user's organization has withdrawn the account from its directory; Clerk has ended the sessions.
    pub deprovisioned: bool,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When anything of the user changed last: of two events, the one with the later moment is true.
    pub updated_at: Timestamp,
    raw: Value,
}

/// An e-mail address of a user's.
///
/// ```
/// use clerk_auth::webhook::ClerkUser;
///
/// /// Where a letter may be sent.
/// fn verified_email(user: &ClerkUser) -> Option<&str> {
///     let email = user.primary_email.as_ref().filter(|email| email.verified)?;
///     Some(&email.email_address)
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EmailAddress {
    /// The address. It may change its owner, so it is no key.
    pub email_address: Box<str>,
    /// Whether the user has shown that it is theirs; a primary address need not be.
    pub verified: bool,
}

/// What is left of a user.
///
/// ```
/// # use clerk_auth::webhook::{Event, EventError, Webhook};
/// # fn main() -> Result<(), EventError> {
/// # let body = br#"{"object":"event","type":"user.deleted","timestamp":1716883200,"instance_id":"ins_1",
/// #     "data":{"object":"user","id":"user_ada","deleted":true}}"#;
/// # let event = Webhook::parse(clerk_auth::id::DeliveryId::new("msg_1"), body)?.event;
/// # let Event::UserDeleted(user) = event else { panic!() };
/// assert_eq!(user.id.as_ref().map(|id| id.as_str()), Some("user_ada"));
/// assert_eq!(user.external_id, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeletedUser {
    /// Who it was; Clerk's schema does not promise it.
    pub id: Option<UserId>,
    /// The application's own id of the user, if it gave one to Clerk.
    pub external_id: Option<Box<str>>,
    raw: Value,
}

impl ClerkUser {
    pub(super) fn read(raw: Value, path: &'static str) -> Result<Self, EventError> {
        let user = Members::of(&raw, path)?;
        user.check_object("public_metadata")?;
        Ok(Self {
            id: user.required_id("id", UserId::new)?,
            external_id: user.text("external_id")?,
            username: user.text("username")?,
            first_name: user.text("first_name")?,
            last_name: user.text("last_name")?,
            image_url: user.text("image_url")?,
            primary_email: primary_email(&user)?,
            banned: user.flag("banned")?,
            locked: user.flag("locked")?,
            lockout_expires_in_seconds: user.integer("lockout_expires_in_seconds")?,
            deprovisioned: user.flag("deprovisioned")?,
            created_at: user.moment("created_at")?,
            updated_at: user.moment("updated_at")?,
            raw,
        })
    }

    /// What the application keeps at Clerk, and front ends can read: an object, or null if there is none.
    pub fn public_metadata(&self) -> &Value {
        &self.raw["public_metadata"]
    }

    /// The user as it was received, with the members that Clerk has added since.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

impl DeletedUser {
    pub(super) fn read(raw: Value) -> Result<Self, EventError> {
        let user = Members::of(&raw, "data")?;
        check_deleted(&user)?;
        Ok(Self {
            id: user.id("id", UserId::new)?,
            external_id: user.text("external_id")?,
            raw,
        })
    }

    /// What was received.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

/// The type of the event says it already; an object that says otherwise is none of Clerk's.
pub(super) fn check_deleted(object: &Members<'_>) -> Result<(), EventError> {
    match object.value("deleted") {
        None | Some(Value::Bool(true)) => Ok(()),
        Some(_) => Err(object.malformed("deleted")),
    }
}

/// Clerk has no member for it: the id is looked up in the list, and may be null beside a list that is not empty.
fn primary_email(user: &Members<'_>) -> Result<Option<EmailAddress>, EventError> {
    let addresses = user.array("email_addresses")?;
    let Some(id) = user.text("primary_email_address_id")? else {
        return Ok(None);
    };
    let Some(primary) = addresses.iter().find(|address| address["id"] == *id) else {
        return Ok(None);
    };
    let email_address = primary["email_address"]
        .as_str()
        .ok_or_else(|| user.malformed("email_addresses"))?;
    Ok(Some(EmailAddress {
        email_address: email_address.into(),
        verified: primary["verification"]["status"] == "verified",
    }))
}
