//! Corrects a token's claims about the active organization, after later events.

use super::authorization::with_prefix;

/// The state of a membership after an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Correction {
    /// The user has left the organization, or the organization has ended.
    Ended,
    /// The user is a member with this role and these permissions.
    Changed(Standing),
}

/// The role and the permissions of a member. Either may be unknown, which counts as none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    /// With its prefix.
    role: Option<Box<str>>,
    permissions: Option<Box<[Box<str>]>>,
}

/// The prefix of system permissions. Tokens never contain them, so an event does not grant them either.
const SYSTEM: &str = "org:sys_";

impl Standing {
    /// Creates a standing. An empty role is unknown, as are permissions of `None`.
    pub(crate) fn new<'a>(role: &str, permissions: Option<impl IntoIterator<Item = &'a str>>) -> Self {
        let custom = |permissions: &mut dyn Iterator<Item = &'a str>| {
            let mut custom: Vec<Box<str>> = permissions
                .filter(|permission| !permission.starts_with(SYSTEM))
                .map(Into::into)
                .collect();
            custom.sort_unstable();
            custom.dedup();
            custom.into()
        };
        let role = with_prefix(role);
        Self {
            role: (role.len() > with_prefix("").len()).then(|| role.into()),
            permissions: permissions.map(|permissions| custom(&mut permissions.into_iter())),
        }
    }

    /// Returns the role with its prefix, if it is known.
    pub(crate) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Returns the custom permissions in their order, if they are known.
    pub(crate) fn permissions(&self) -> Option<&[Box<str>]> {
        self.permissions.as_deref()
    }

    /// Returns the number of bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let permissions = self.permissions.iter().flatten();
        let permissions = permissions.map(|permission| size_of::<Box<str>>() + permission.len());
        self.role.as_ref().map_or(0, |role| role.len()) + permissions.sum::<usize>()
    }
}
