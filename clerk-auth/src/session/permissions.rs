//! Permissions of a version 2 token: a bit mask for each feature over a list of actions.

use std::sync::OnceLock;

use super::payload_slice::PayloadSlice;

/// The permissions in an organization. Masks are decoded when a permission is first checked.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    actions: PayloadSlice,
    masks: PayloadSlice,
    listed: OnceLock<Box<[Box<str>]>>,
}

impl Permissions {
    /// Creates permissions from `fea`, `o.per` and `o.fpm`.
    pub(super) fn masked(actions: PayloadSlice, masks: PayloadSlice) -> Self {
        Self {
            actions,
            masks,
            listed: OnceLock::new(),
        }
    }

    /// Returns each permission as `org:feature:action`.
    pub(super) fn listed(&self, features: &str, payload: &str) -> &[Box<str>] {
        self.listed
            .get_or_init(|| permissions(features, self.actions.get(payload), self.masks.get(payload)).into())
    }
}

impl<'a> FromIterator<&'a str> for Permissions {
    fn from_iter<I: IntoIterator<Item = &'a str>>(listed: I) -> Self {
        Self {
            listed: OnceLock::from(listed.into_iter().map(Box::from).collect::<Box<[_]>>()),
            ..Self::default()
        }
    }
}

/// Returns the permissions `org:feature:action` that `fea`, `o.per` and `o.fpm` grant.
///
/// Clerk's SDKs disagree on which list of features a mask indexes. The JavaScript SDK counts only the organization's
/// features; the documentation and the other SDKs count all. The number of masks distinguishes the two readings. If it
/// matches neither, only the permissions of both readings are granted.
fn permissions(features: &str, actions: &str, masks: &str) -> Vec<Box<str>> {
    if features.is_empty() || actions.is_empty() || masks.is_empty() {
        return Vec::new();
    }
    let Some(features) = split_features(features) else {
        return Vec::new();
    };
    let actions: Vec<&str> = actions.split(',').map(str::trim).collect();
    let masks: Vec<&str> = masks.split(',').map(str::trim).collect();
    let whole = features.iter().enumerate();
    let whole: Vec<Box<str>> = whole
        .filter(|(_, (of_organization, _))| *of_organization)
        .flat_map(|(index, (_, feature))| granted(feature, &actions, masks.get(index).copied()))
        .collect();
    if masks.len() == features.len() {
        return whole;
    }
    let organization: Vec<&str> = features
        .iter()
        .filter(|(of_organization, _)| *of_organization)
        .map(|(_, feature)| *feature)
        .collect();
    let organization_only: Vec<Box<str>> = organization
        .iter()
        .enumerate()
        .flat_map(|(index, feature)| granted(feature, &actions, masks.get(index).copied()))
        .collect();
    if masks.len() == organization.len() {
        return organization_only;
    }
    whole
        .into_iter()
        .filter(|permission| organization_only.contains(permission))
        .collect()
}

/// Returns each feature's name and whether it is the organization's; returns `None` if an entry has no scope.
fn split_features(features: &str) -> Option<Vec<(bool, &str)>> {
    features
        .split(',')
        .map(|entry| {
            let (scope, name) = entry.trim().split_once(':')?;
            Some((matches!(scope, "o" | "ou" | "uo"), name))
        })
        .collect()
}

/// Returns whether `fea` lists a feature as the organization's. Returns false for a malformed list.
pub(super) fn is_organization_feature(features: &str, feature: &str) -> bool {
    split_features(features).is_some_and(|features| features.contains(&(true, feature)))
}

fn granted<'a>(
    feature: &'a str,
    actions: &'a [&'a str],
    mask: Option<&str>,
) -> impl Iterator<Item = Box<str>> + 'a {
    let bits = mask
        .and_then(|mask| bits(mask, actions.len()))
        .unwrap_or_default();
    actions
        .iter()
        .zip(bits)
        .filter(|(_, set)| *set)
        // Allocates the exact length.
        .map(move |(action, _)| ["org:", feature, ":", action].concat().into())
}

/// Returns the bits of a decimal number of any size, least significant first. Returns `None` if the text is not a
/// number, or has more bits than there are actions. A mask with more bits was made for another list. Clerk's JavaScript
/// SDK drops the excess bits, and its Go SDK denies the feature.
fn bits(decimal: &str, actions: usize) -> Option<Vec<bool>> {
    if decimal.is_empty() || !decimal.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = decimal.trim_start_matches('0');
    // A number has at least as many bits as digits, and parsing takes time quadratic in the digits.
    if significant.len() > actions {
        return None;
    }
    let mut digits: Vec<u8> = significant.bytes().map(|digit| digit - b'0').collect();
    let mut bits = Vec::with_capacity(actions);
    while digits.iter().any(|digit| *digit != 0) {
        let mut remainder = 0;
        for digit in &mut digits {
            let value = remainder * 10 + *digit;
            *digit = value / 2;
            remainder = value % 2;
        }
        bits.push(remainder == 1);
    }
    (bits.len() <= actions).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::permissions;

    /// Clerk's own fixtures and documentation.
    #[test]
    fn worked_examples() {
        for (features, actions, masks, expected) in [
            (
                "o:repositories,o:projects",
                "read,create,update,delete,revoke",
                "7,21",
                "repositories:read repositories:create repositories:update projects:read projects:update projects:revoke",
            ),
            (
                "o:billing,o:email,o:fraud,o:instance,o:staging_plans",
                "manage,read",
                "3,3,3,3,1",
                "billing:manage billing:read email:manage email:read fraud:manage fraud:read instance:manage instance:read \
              staging_plans:manage",
            ),
            (
                "o:repositories,o:impersonation,o:billing",
                "manage,read,update",
                "6,0,3",
                "repositories:read repositories:update billing:manage billing:read",
            ),
            (
                "o:repositories,o:projects,o:webhooks,o:impersonation",
                "read,manage",
                "1,2,3,0",
                "repositories:read projects:manage webhooks:read webhooks:manage",
            ),
            (
                "uo:impersonation,o:memberships,uo:feature3",
                "read,manage",
                "1,3,1",
                "impersonation:read memberships:read memberships:manage feature3:read",
            ),
            (
                "o:billing,o:impersonation,o:magic_links,o:posts",
                "create,delete,manage,read",
                "12,12,9,14",
                "billing:manage billing:read impersonation:manage impersonation:read magic_links:create magic_links:read \
              posts:delete posts:manage posts:read",
            ),
            ("o:magic_links", "read", "1", "magic_links:read"),
            (
                "o:impersonation,o:magic_links",
                "create,read",
                "2,1",
                "impersonation:read magic_links:create",
            ),
            (
                "o:dashboard,o:teams",
                "manage,read",
                "3,2",
                "dashboard:manage dashboard:read teams:read",
            ),
            // Two masks match neither four features nor the organization's three, so only the permissions of both
            // readings count.
            (
                "o:reservations,u:dashboard,uo:support-chat,o:impersonation",
                "read,manage",
                "2,3",
                "reservations:manage",
            ),
            (
                "o:repositories,uo:projects,u:goldprofileborder",
                "read,create,update,delete,revoke",
                "7,21,0",
                "repositories:read repositories:create repositories:update projects:read projects:update projects:revoke",
            ),
            ("u:beta,o:dash", "read,manage", "3", "dash:read dash:manage"),
            ("u:beta,o:dash", "read,manage", "0,3", "dash:read dash:manage"),
            ("o:a,o:b", "read", "-1,1", "b:read"),
            ("o:a", "read", "1.5", ""),
            // As short as a mask of this many actions.
            ("o:a", "read,create,update,delete", "-1", ""),
            ("o:a", "read,create,update,delete", "1.5", ""),
            ("o:a", "read,create,update,delete", "1x", ""),
            ("o:a", "read,create,update,delete", "+1", ""),
            ("o:a,o:b", "read,create,update,delete", ",1", "b:read"),
            // Wider than the list of actions: the Go SDK denies the feature, the JavaScript SDK drops the excess bits.
            ("o:a,o:b", "read,manage", "7,3", "b:read b:manage"),
            ("o:a", "read,manage", "0003", "a:read a:manage"),
            ("o:a", "read,manage", "00000000000000000000000000000000000", ""),
            ("broken", "read", "1", ""),
            ("o:a,", "read", "1", ""),
            ("o:a", "", "1", ""),
        ] {
            let expected: Vec<Box<str>> = expected
                .split_whitespace()
                .map(|it| format!("org:{it}").into())
                .collect();
            assert_eq!(
                permissions(features, actions, masks),
                expected,
                "{features} {actions} {masks}"
            );
        }
    }

    /// Decoding takes time quadratic in a mask's digits, so a mask that cannot fit is refused by its length.
    #[test]
    fn mask_of_a_whole_token_is_refused_by_its_length() {
        let mask = "9".repeat(8_000);
        assert!(super::bits(&mask, 2).is_none());
        assert!(permissions("o:feature", "read,manage", &mask).is_empty());
    }

    #[test]
    fn masks_are_of_any_width() {
        let actions: Vec<String> = (0..100).map(|index| format!("permission_{index}")).collect();
        let actions = actions.join(",");
        for (mask, expected) in [
            ("9007199254740993", vec![0, 53]),
            ("9007199254740995", vec![0, 1, 53]),
            ("4722366482869645213696", vec![72]),
        ] {
            let expected: Vec<Box<str>> = expected
                .iter()
                .map(|bit| format!("org:feature:permission_{bit}").into())
                .collect();
            assert_eq!(permissions("o:feature", &actions, mask), expected, "{mask}");
        }
        let few = "a,b";
        assert!(permissions("o:feature", few, "18014398509481984").is_empty());
    }
}
