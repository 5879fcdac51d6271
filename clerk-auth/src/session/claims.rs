//! From the claims of a token, version 1 or 2, to one [`Session`].

use std::sync::Arc;

use super::permissions::permissions;
use super::{Organization, Scoped, Session, SessionData};
use crate::claim::json::{Object, Value};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::time::Timestamp;

/// 9999-12-31T23:59:59Z: no token is meant to be valid beyond it, so a later time is a mistake or an attack.
const LATEST: i64 = 253_402_300_799;

/// A standard claim that is missing or of another type than Clerk documents.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the claim `{name}` is missing or malformed")]
pub struct MalformedClaim {
    /// The claim.
    pub name: &'static str,
}

/// The standard claims of Clerk's documentation, "Session tokens"; everything else is custom.
fn is_standard(name: &str) -> bool {
    matches!(
        name,
        "act"
            | "aud"
            | "azp"
            | "exp"
            | "fea"
            | "fva"
            | "iat"
            | "iss"
            | "jti"
            | "nbf"
            | "o"
            | "org_id"
            | "org_permissions"
            | "org_role"
            | "org_slug"
            | "pla"
            | "sid"
            | "sts"
            | "sub"
            | "v"
    )
}

impl Session {
    /// Reads the claims of a token whose signature has been verified. Times are not compared with a clock here.
    pub(crate) fn from_claims(claims: Object<'_>) -> Result<Self, MalformedClaim> {
        let data = SessionData {
            user_id: UserId::new(required_text(&claims, "sub")?),
            id: SessionId::new(required_text(&claims, "sid")?),
            issuer: required_text(&claims, "iss")?.into(),
            authorized_party: text(&claims, "azp")?.map(Into::into),
            issued_at: time(&claims, "iat")?.ok_or(MalformedClaim { name: "iat" })?,
            not_before: time(&claims, "nbf")?,
            expires_at: time(&claims, "exp")?.ok_or(MalformedClaim { name: "exp" })?,
            pending: match text(&claims, "sts")? {
                None | Some("active") => false,
                Some("pending") => true,
                Some(_) => return Err(MalformedClaim { name: "sts" }),
            },
            organization: organization(&claims)?,
            features: scoped(&claims, "fea"),
            plans: scoped(&claims, "pla"),
            factor_verification_age: factor_verification_age(&claims),
            actor: actor(&claims)?,
            custom: claims.without(is_standard),
        };
        Ok(Self(Arc::new(data)))
    }
}

fn text<'a>(claims: &'a Object<'_>, name: &'static str) -> Result<Option<&'a str>, MalformedClaim> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(MalformedClaim { name }),
    }
}

fn required_text<'a>(claims: &'a Object<'_>, name: &'static str) -> Result<&'a str, MalformedClaim> {
    text(claims, name)?
        .filter(|text| !text.is_empty())
        .ok_or(MalformedClaim { name })
}

fn time(claims: &Object<'_>, name: &'static str) -> Result<Option<Timestamp>, MalformedClaim> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    value
        .as_i64()
        .filter(|seconds| (0..=LATEST).contains(seconds))
        .map(|seconds| Some(Timestamp::from_seconds(seconds)))
        .ok_or(MalformedClaim { name })
}

/// Version 2 is strictly the number 2; a token of version 2 without `o` has no organization, whatever `org_id` says.
fn organization(claims: &Object<'_>) -> Result<Option<Organization>, MalformedClaim> {
    if claims.get("v").and_then(Value::as_i64) != Some(2) {
        return organization_of_version_1(claims);
    }
    let Some(organization) = claims.get("o") else {
        return Ok(None);
    };
    let organization = organization.as_object().ok_or(MalformedClaim { name: "o" })?;
    let member = |name| text(organization, name).map_err(|_| MalformedClaim { name: "o" });
    let id = member("id")?.filter(|id| !id.is_empty());
    let features = text(claims, "fea").unwrap_or_default().unwrap_or_default();
    let granted = permissions(
        features,
        member("per")?.unwrap_or_default(),
        member("fpm")?.unwrap_or_default(),
    );
    Ok(Some(Organization {
        id: OrganizationId::new(id.ok_or(MalformedClaim { name: "o" })?),
        slug: member("slg")?.map(Into::into),
        role: member("rol")?
            .filter(|role| !role.is_empty())
            .map(|role| format!("org:{role}").into()),
        permissions: granted.into_iter().map(Into::into).collect(),
    }))
}

fn organization_of_version_1(claims: &Object<'_>) -> Result<Option<Organization>, MalformedClaim> {
    let Some(id) = text(claims, "org_id")?.filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let permissions = match claims.get("org_permissions") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(permissions)) => permissions
            .iter()
            .filter_map(|permission| permission.as_str().map(Into::into))
            .collect(),
        Some(_) => {
            return Err(MalformedClaim {
                name: "org_permissions",
            });
        }
    };
    Ok(Some(Organization {
        id: OrganizationId::new(id),
        slug: text(claims, "org_slug")?.map(Into::into),
        role: text(claims, "org_role")?
            .filter(|role| !role.is_empty())
            // Very old instances write the role without its prefix.
            .map(|role| super::authorization::with_prefix(role).into()),
        permissions,
    }))
}

/// A comma list of `scope:name`. A malformed list denies: it is read as empty.
fn scoped(claims: &Object<'_>, name: &str) -> Vec<Scoped> {
    let list = claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if list.is_empty() {
        return Vec::new();
    }
    let read = |entry: &str| {
        let (scope, name) = entry.trim().split_once(':')?;
        Some(Scoped {
            name: name.into(),
            of_organization: matches!(scope, "o" | "ou" | "uo"),
            of_user: matches!(scope, "u" | "ou" | "uo"),
        })
    };
    list.split(',')
        .map(read)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// Anything but two whole numbers of at least -1 denies: it is read as absent.
fn factor_verification_age(claims: &Object<'_>) -> Option<[i64; 2]> {
    let [first, second] = claims.get("fva")?.as_array()? else {
        return None;
    };
    let age = |value: &Value<'_>| value.as_i64().filter(|minutes| *minutes >= -1);
    Some([age(first)?, age(second)?])
}

fn actor(claims: &Object<'_>) -> Result<Option<Box<str>>, MalformedClaim> {
    match claims.get("act") {
        None | Some(Value::Null) => Ok(None),
        // An actor that cannot be read must not pass for none.
        Some(actor) => {
            let subject = actor.as_object().and_then(|actor| actor.get("sub")?.as_str());
            let subject = subject.filter(|subject| !subject.is_empty());
            subject
                .map(|subject| Some(subject.into()))
                .ok_or(MalformedClaim { name: "act" })
        }
    }
}
