//! Newtypes for Clerk's identifiers, so that a session id cannot be used as a user id.

mod column;
mod membership_key;

use std::borrow::Borrow;
use std::fmt;

pub use self::membership_key::MembershipKey;

/// Returns whether a received string can be an identifier: not empty, and without control characters, which databases
/// cannot look up.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

macro_rules! identifier {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Box<str>);

        impl $name {
            /// Wraps the text unchanged; Clerk documents prefixes, not a grammar, so none is enforced.
            pub fn new(id: impl Into<Box<str>>) -> Self {
                Self(id.into())
            }

            /// Returns the identifier as Clerk writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// Allows lookups by string in a map keyed by ids.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Box::<str>::deserialize(deserializer).map(Self)
            }
        }
    };
}

identifier! {
    /// A Clerk user, `user_…`: the `sub` claim of a session token.
    ///
    /// ```
    /// use clerk_auth::id::UserId;
    ///
    /// assert_eq!(UserId::new("user_29w83sxmDNGwOuEthce5gg56FcC").as_str().len(), 32);
    /// ```
    UserId
}

identifier! {
    /// A Clerk session, `sess_…`: the `sid` claim of a session token.
    ///
    /// ```
    /// use clerk_auth::id::SessionId;
    ///
    /// assert_eq!(SessionId::new("sess_1").to_string(), "sess_1");
    /// ```
    SessionId
}

identifier! {
    /// A Clerk organization, `org_…`.
    ///
    /// ```
    /// use clerk_auth::id::OrganizationId;
    ///
    /// assert_eq!(OrganizationId::new("org_1").as_ref(), "org_1");
    /// ```
    OrganizationId
}

identifier! {
    /// A member of a Clerk organization, `orgmem_…`.
    ///
    /// ```
    /// use clerk_auth::id::OrganizationMembershipId;
    ///
    /// assert_eq!(OrganizationMembershipId::new("orgmem_1").as_ref(), "orgmem_1");
    /// ```
    OrganizationMembershipId
}

identifier! {
    /// A browser or device of a Clerk user, `client_…`; it holds the sessions.
    ///
    /// ```
    /// use clerk_auth::id::ClientId;
    ///
    /// assert_eq!(ClientId::new("client_1").as_ref(), "client_1");
    /// ```
    ClientId
}

identifier! {
    /// A Clerk instance, `ins_…`: an application's development and production are two instances.
    ///
    /// ```
    /// use clerk_auth::id::InstanceId;
    ///
    /// assert_eq!(InstanceId::new("ins_1").as_ref(), "ins_1");
    /// ```
    InstanceId
}

identifier! {
    /// A delivery of a webhook, `msg_…`: the header `svix-id`, equal over all attempts to deliver it.
    ///
    /// ```
    /// use clerk_auth::id::DeliveryId;
    ///
    /// assert_eq!(DeliveryId::new("msg_1").as_ref(), "msg_1");
    /// ```
    DeliveryId
}
