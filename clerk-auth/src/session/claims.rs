//! The standard claims of a token, version 1 or 2, in one form.

use super::Payload;
use super::actor::{ActorClaims, ActorKind};
use super::organization::OrganizationClaims;
use super::payload_slice::{LazyValue, PayloadSlice};
use super::permissions::Permissions;
use crate::claim::json::Value;
use crate::id::{SessionId, UserId};
use crate::time::Timestamp;

/// 9999-12-31T23:59:59Z. A later time is a mistake or an attack.
const MAX_TIMESTAMP: i64 = 253_402_300_799;

/// A standard claim that is missing or has another type than Clerk documents.
///
/// The token is refused with [`Refusal::Claims`](crate::token::Refusal::Claims). Its signature is valid, so the
/// instance has minted the token. Perhaps a custom claim has the name of a standard one.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use axum::http::{HeaderMap, header::AUTHORIZATION};
/// use clerk_auth::clerk::AuthenticationError;
/// use clerk_auth::testing::Issuer;
/// use clerk_auth::token::Refusal;
///
/// let issuer = Issuer::new("https://clerk.example.com");
/// let token = issuer.token("user_ada").claim("sid", 7).sign();
/// let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
/// match issuer.clerk().authenticate(&headers).await.err() {
///     Some(AuthenticationError::Refused(Refusal::Claims(claim))) => assert_eq!(claim.name, "sid"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap() }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the claim `{name}` is missing or malformed")]
#[non_exhaustive]
pub struct MalformedClaim {
    /// The claim.
    pub name: &'static str,
}

/// The claims about a session in a token, other than the application's own.
pub(crate) struct StandardClaims {
    pub(super) user_id: LazyValue<UserId>,
    pub(super) id: LazyValue<SessionId>,
    pub(super) issuer: PayloadSlice,
    pub(super) authorized_party: Option<PayloadSlice>,
    pub(super) issued_at: Timestamp,
    /// The header's `oiat`, if it is a number.
    pub(super) origin_issued_at: Option<Timestamp>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    pub(super) pending: bool,
    pub(super) organization: Option<OrganizationClaims>,
    /// Lists like `o:notes,u:export`.
    pub(super) features: PayloadSlice,
    pub(super) plans: PayloadSlice,
    pub(super) factor_verification_age: Option<[i64; 2]>,
    pub(super) actor: Option<ActorClaims>,
}

impl StandardClaims {
    /// Reads the claims of a token whose signature has been verified. Times are not compared with a clock here.
    pub(crate) fn read(
        claims: &Payload<'_>,
        origin_issued_at: Option<Timestamp>,
    ) -> Result<Self, MalformedClaim> {
        let slice = |text: &str| claims.slice(text);
        Ok(Self {
            user_id: LazyValue::new(slice(required_text(claims.sub.as_ref(), "sub")?)),
            id: LazyValue::new(slice(required_text(claims.sid.as_ref(), "sid")?)),
            issuer: slice(required_text(claims.iss.as_ref(), "iss")?),
            authorized_party: text(claims.azp.as_ref(), "azp")?.map(slice),
            issued_at: time(claims.iat.as_ref(), "iat")?.ok_or(MalformedClaim { name: "iat" })?,
            origin_issued_at,
            not_before: time(claims.nbf.as_ref(), "nbf")?,
            expires_at: time(claims.exp.as_ref(), "exp")?.ok_or(MalformedClaim { name: "exp" })?,
            pending: match text(claims.sts.as_ref(), "sts")? {
                None | Some("active") => false,
                Some("pending") => true,
                Some(_) => return Err(MalformedClaim { name: "sts" }),
            },
            organization: organization(claims)?,
            features: slice(list(claims.fea.as_ref())),
            plans: slice(list(claims.pla.as_ref())),
            factor_verification_age: factor_verification_age(claims),
            actor: actor(claims)?,
        })
    }
}

fn text<'a>(claim: Option<&'a Value<'_>>, name: &'static str) -> Result<Option<&'a str>, MalformedClaim> {
    match claim {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(MalformedClaim { name }),
    }
}

/// Returns a list claim. A claim of another type counts as an empty list, which denies.
fn list<'a>(claim: Option<&'a Value<'_>>) -> &'a str {
    claim.and_then(Value::as_str).unwrap_or_default()
}

fn is_present(text: &&str) -> bool {
    !text.is_empty()
}

fn required_text<'a>(claim: Option<&'a Value<'_>>, name: &'static str) -> Result<&'a str, MalformedClaim> {
    text(claim, name)?
        .filter(is_present)
        .ok_or(MalformedClaim { name })
}

fn time(claim: Option<&Value<'_>>, name: &'static str) -> Result<Option<Timestamp>, MalformedClaim> {
    let Some(claim) = claim else {
        return Ok(None);
    };
    claim
        .as_i64()
        .filter(|seconds| (0..=MAX_TIMESTAMP).contains(seconds))
        .map(|seconds| Some(Timestamp::from_secs(seconds)))
        .ok_or(MalformedClaim { name })
}

/// Reads the organization. Version 2 is strictly the number 2; a token of version 2 without `o` has no organization,
/// whatever `org_id` contains.
fn organization(claims: &Payload<'_>) -> Result<Option<OrganizationClaims>, MalformedClaim> {
    if claims.v.as_ref().and_then(Value::as_i64) != Some(2) {
        return organization_of_version_1(claims);
    }
    let Some(organization) = claims.o.as_ref() else {
        return Ok(None);
    };
    let malformed = MalformedClaim { name: "o" };
    let organization = organization.as_object().ok_or(malformed)?;
    let (mut id, mut slug, mut role, mut actions, mut masks) = (None, None, None, None, None);
    for (name, value) in organization.members() {
        let member = match name {
            "id" => &mut id,
            "slg" => &mut slug,
            "rol" => &mut role,
            "per" => &mut actions,
            "fpm" => &mut masks,
            _ => continue,
        };
        *member = Some(value.as_str().ok_or(malformed)?);
    }
    let slice = |text: &str| claims.slice(text);
    Ok(Some(OrganizationClaims {
        id: LazyValue::new(slice(id.filter(is_present).ok_or(malformed)?)),
        slug: slug.map(slice),
        role: role.filter(is_present).map(|role| LazyValue::new(slice(role))),
        permissions: Permissions::masked(
            actions.map(slice).unwrap_or_default(),
            masks.map(slice).unwrap_or_default(),
        ),
    }))
}

fn organization_of_version_1(claims: &Payload<'_>) -> Result<Option<OrganizationClaims>, MalformedClaim> {
    let Some(id) = text(claims.org_id.as_ref(), "org_id")?.filter(is_present) else {
        return Ok(None);
    };
    let permissions = match claims.org_permissions.as_ref() {
        None | Some(Value::Null) => Permissions::default(),
        Some(Value::Array(permissions)) => permissions.iter().filter_map(Value::as_str).collect(),
        Some(_) => {
            return Err(MalformedClaim {
                name: "org_permissions",
            });
        }
    };
    let slice = |text: &str| claims.slice(text);
    Ok(Some(OrganizationClaims {
        id: LazyValue::new(slice(id)),
        slug: text(claims.org_slug.as_ref(), "org_slug")?.map(slice),
        role: text(claims.org_role.as_ref(), "org_role")?
            .filter(is_present)
            .map(|role| LazyValue::new(slice(role))),
        permissions,
    }))
}

/// Reads `fva`. Anything but two whole numbers of at least -1 counts as absent, which denies.
fn factor_verification_age(claims: &Payload<'_>) -> Option<[i64; 2]> {
    let [first, second] = claims.fva.as_ref()?.as_array()? else {
        return None;
    };
    let age = |value: &Value<'_>| value.as_i64().filter(|minutes| *minutes >= -1);
    Some([age(first)?, age(second)?])
}

/// Reads `act`. Only the outermost actor counts; nested actors are informational (RFC 8693, section 4.1). A malformed
/// actor is an error, because it must not count as no actor.
fn actor(claims: &Payload<'_>) -> Result<Option<ActorClaims>, MalformedClaim> {
    let claim = match claims.act.as_ref() {
        None | Some(Value::Null) => return Ok(None),
        Some(claim) => claim,
    };
    let malformed = MalformedClaim { name: "act" };
    let actor = claim.as_object().ok_or(malformed)?;
    let id = actor.get("sub").and_then(Value::as_str);
    let id = id.filter(is_present).ok_or(malformed)?;
    let kind = match actor.get("type") {
        None | Some(Value::Null) => ActorKind::Person,
        Some(Value::Text(kind)) if kind == "agent" => ActorKind::Agent,
        Some(Value::Text(_)) => ActorKind::Other,
        Some(_) => return Err(malformed),
    };
    Ok(Some(ActorClaims {
        id: claims.slice(id),
        kind,
    }))
}
