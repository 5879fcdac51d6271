//! A Clerk user in an event (Clerk's Backend API, "User").

use serde_json::Value;

use super::error::EventError;
use super::member::{Members, check_deleted, object_or_null};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::time::Timestamp;

/// A user. The most used members have typed fields; [`raw`](Self::raw) contains all.
///
/// A member is `None` if it is unreadable or of another kind than Clerk documents; [`unreadable`](Self::unreadable)
/// lists such members. A flag that bars the user is raised unless it is plainly `false`, null or missing. A missing or
/// unreadable time is that of the event.
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
    /// The Clerk user id.
    pub id: UserId,
    /// The application's own id of the user, if it is set at Clerk.
    pub external_id: Option<Box<str>>,
    /// The user name, if the instance uses user names.
    pub username: Option<Box<str>>,
    /// The first name.
    pub first_name: Option<Box<str>>,
    /// The last name.
    pub last_name: Option<Box<str>>,
    /// The address of the picture.
    pub image_url: Option<Box<str>>,
    /// The primary e-mail address. `None` for a user without one, for example after a sign-up by telephone.
    pub primary_email: Option<EmailAddress>,
    /// True if the user may no longer sign in; Clerk has ended the sessions.
    pub banned: bool,
    /// True if the user may not sign in at the moment; sessions continue.
    pub locked: bool,
    /// The remaining time of the lock in seconds; `None` if permanent, or not locked.
    pub lockout_expires_in_seconds: Option<i64>,
    /// True if the user's organization has withdrawn the account from its directory; Clerk has ended the sessions.
    pub deprovisioned: bool,
    /// The time at which the user signed up.
    pub created_at: Timestamp,
    /// The time of the user's last change. Of two events, the later time is current.
    pub updated_at: Timestamp,
    unreadable: Box<[Box<str>]>,
    raw: LenientValue,
}

/// An e-mail address of a user.
///
/// ```
/// use clerk_auth::webhook::ClerkUser;
///
/// /// Returns the address to which mail may be sent.
/// fn verified_email(user: &ClerkUser) -> Option<&str> {
///     let email = user.primary_email.as_ref().filter(|email| email.verified)?;
///     Some(&email.email_address)
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EmailAddress {
    /// The address. It is not a key, because it may pass to another user.
    pub email_address: Box<str>,
    /// True if the user has verified the address; a primary address need not be verified.
    pub verified: bool,
}

/// The remains of a deleted user.
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
    /// The Clerk user id; optional in Clerk's schema.
    pub id: Option<UserId>,
    /// The application's own id of the user, if it is set at Clerk.
    pub external_id: Option<Box<str>>,
    unreadable: Box<[Box<str>]>,
    raw: LenientValue,
}

impl ClerkUser {
    pub(super) fn read(
        raw: LenientValue,
        path: &'static str,
        timestamp: Timestamp,
    ) -> Result<Self, EventError> {
        let mut user = Members::new(raw.node(), path)?;
        user.check_object("public_metadata");
        Ok(Self {
            id: user.required_id("id", UserId::new)?,
            external_id: user.text("external_id"),
            username: user.text("username"),
            first_name: user.text("first_name"),
            last_name: user.text("last_name"),
            image_url: user.text("image_url"),
            primary_email: primary_email(&mut user),
            banned: user.flag("banned"),
            locked: user.flag("locked"),
            lockout_expires_in_seconds: user.integer("lockout_expires_in_seconds"),
            deprovisioned: user.flag("deprovisioned"),
            created_at: user.time_or("created_at", timestamp),
            updated_at: user.time_or("updated_at", timestamp),
            unreadable: user.into_unreadable(&raw),
            raw,
        })
    }

    /// Returns the application's data at Clerk that front ends can read: an object, or null if there is none.
    pub fn public_metadata(&self) -> &Value {
        object_or_null(&self.raw, "public_metadata")
    }

    /// Returns the user as received, including members that are newer than this library.
    pub fn raw(&self) -> &LenientValue {
        &self.raw
    }

    /// Returns the unreadable parts of the user, and those of another kind than documented, as JSON Pointers (RFC
    /// 6901). Empty for every user that is as documented.
    ///
    /// The paths contain names that users write, so do not log them.
    ///
    /// ```
    /// # use clerk_auth::webhook::{Event, EventError, Webhook};
    /// # fn main() -> Result<(), EventError> {
    /// # let body = br#"{"object":"event","type":"user.updated","timestamp":1716883200,"instance_id":"ins_1","data":{
    /// #     "id":"user_ada","created_at":1716883100000,"updated_at":1716883200000,"banned":true,"first_name":"\ud800",
    /// #     "unsafe_metadata":{"size":1e999}}}"#;
    /// # let event = Webhook::parse(clerk_auth::id::DeliveryId::new("msg_1"), body)?.event;
    /// # let Event::UserUpdated(user) = event else { panic!() };
    /// assert!(user.banned && user.first_name.is_none());
    /// assert!(user.unreadable().iter().map(|path| &**path).eq(["/first_name", "/unsafe_metadata/size"]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn unreadable(&self) -> &[Box<str>] {
        &self.unreadable
    }
}

impl DeletedUser {
    pub(super) fn read(raw: LenientValue) -> Result<Self, EventError> {
        let mut user = Members::new(raw.node(), "data")?;
        check_deleted(&user)?;
        Ok(Self {
            id: user.id("id", UserId::new)?,
            external_id: user.text("external_id"),
            unreadable: user.into_unreadable(&raw),
            raw,
        })
    }

    /// Returns the object as received.
    pub fn raw(&self) -> &LenientValue {
        &self.raw
    }

    /// Lists the unreadable parts; see [`ClerkUser::unreadable`].
    pub fn unreadable(&self) -> &[Box<str>] {
        &self.unreadable
    }
}

/// Finds the primary address in the list, by its id. The id may be null although the list is not empty.
fn primary_email(user: &mut Members<'_>) -> Option<EmailAddress> {
    const ADDRESSES: &str = "email_addresses";
    let addresses = user.node(ADDRESSES);
    if !addresses
        .shallow()
        .is_ok_and(|value| value.is_array() || value.is_null())
    {
        user.note(ADDRESSES);
    }
    let id = user.text("primary_email_address_id")?;
    let mut addresses = addresses.elements().ok()?;
    let primary = addresses.find(|address| address.get("id").shallow().is_ok_and(|value| *value == *id))?;
    let email_address = primary
        .get("email_address")
        .shallow()
        .ok()
        .and_then(Value::as_str);
    let Some(email_address) = email_address else {
        user.note(ADDRESSES);
        return None;
    };
    let status = primary.get("verification").get("status");
    Some(EmailAddress {
        email_address: email_address.into(),
        verified: status.shallow().is_ok_and(|status| status == "verified"),
    })
}
