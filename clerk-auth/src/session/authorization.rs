//! Checks of roles, permissions, features and plans by name.

use super::Session;
use super::payload_slice::PayloadSlice;

/// Checks inside a handler; for the requirements of a whole handler, use `#[authenticated(…)]`. Without an active
/// organization, the user has no role and no permission.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use axum::http::{HeaderMap, header::AUTHORIZATION};
/// use clerk_auth::testing::Issuer;
///
/// let issuer = Issuer::new("https://clerk.example.com");
/// let token = issuer.token("user_ada").organization("org_1", "org:admin").permissions(["org:reports:read"]).sign();
/// let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
/// let session = issuer.clerk().authenticate(&headers).await?;
/// assert!(session.has_role("org:admin") && session.has_permission("org:reports:read"));
/// assert!(!session.has_feature("billing") && !session.has_plan("user:pro"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap() }
/// ```
impl Session {
    /// Returns whether the user has this role in the active organization; `admin` means `org:admin`.
    pub fn has_role(&self, role: &str) -> bool {
        let held = self.organization().and_then(|organization| organization.role());
        let asked = without_prefix(role);
        !asked.is_empty() && held.is_some_and(|held| held.strip_prefix(PREFIX) == Some(asked))
    }

    /// Returns whether the user has this custom permission in the active organization: `org:feature:action`. System
    /// permissions (`org:sys_…`) are never in a token.
    pub fn has_permission(&self, permission: &str) -> bool {
        let asked = without_prefix(permission);
        let mut held = self.organization().into_iter().flat_map(|it| it.permissions());
        !asked.is_empty() && held.any(|held| held.strip_prefix(PREFIX) == Some(asked))
    }

    /// Returns whether the organization's or the user's plan has this feature; `o:x` and `u:x` check only one of the
    /// two.
    pub fn has_feature(&self, feature: &str) -> bool {
        self.holds(&self.data.standard.features, feature)
    }

    /// Returns whether the organization or the user is on this plan; `o:x` and `u:x` check only one of the two.
    pub fn has_plan(&self, plan: &str) -> bool {
        self.holds(&self.data.standard.plans, plan)
    }

    /// Returns whether a list has the entry. A member who has left has only the entries of the user.
    fn holds(&self, list: &PayloadSlice, asked: &str) -> bool {
        holds(list.get(&self.data.payload), asked, !self.has_left_organization())
    }
}

/// The prefix of each role and permission.
const PREFIX: &str = "org:";

/// Returns the name with exactly one `org:` in front, as Clerk normalises it.
pub(super) fn with_prefix(name: &str) -> String {
    format!("{PREFIX}{}", without_prefix(name))
}

/// Returns the name of a role or permission without any leading [`PREFIX`]. Constant, because guards compare roles at
/// compile time.
pub(crate) const fn without_prefix(mut name: &str) -> &str {
    while let [b'o', b'r', b'g', b':', ..] = name.as_bytes() {
        name = name.split_at(PREFIX.len()).1;
    }
    name
}

/// Returns whether a comma-separated list of `scope:name` contains the name. A malformed list counts as empty, which
/// denies.
fn holds(list: &str, asked: &str, is_member: bool) -> bool {
    let (of_organization, of_user, name) = match asked.split_once(':') {
        None => (is_member, true, asked),
        Some(("o" | "org" | "organization", name)) => (is_member, false, name),
        Some(("u" | "user", name)) => (false, true, name),
        Some(_) => return false,
    };
    let mut held = list.split(',').map(|entry| entry.trim().split_once(':'));
    !name.is_empty()
        && held.clone().all(|entry| entry.is_some())
        && held.any(|entry| match entry {
            Some(("o", held)) => of_organization && held == name,
            Some(("u", held)) => of_user && held == name,
            Some(("ou" | "uo", held)) => (of_organization || of_user) && held == name,
            _ => false,
        })
}

/// Returns whether a list has an entry with the organization's scope. May return true for a malformed list.
pub(super) fn has_organization_entry(list: &str) -> bool {
    let mut entries = list.split(',').map(|entry| entry.trim().split_once(':'));
    !list.is_empty() && entries.any(|entry| entry.is_none_or(|(scope, _)| matches!(scope, "o" | "ou" | "uo")))
}
