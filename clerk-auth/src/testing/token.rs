//! Session tokens for tests: valid by default, with any deviation.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::issuer::Issuer;
use crate::claim::{Objects, TemplateClaim};
use crate::lenient::Node;
use crate::time::{Clock, SystemClock, Timestamp};

/// The lifetime of Clerk's session tokens, in seconds (Clerk's documentation, "How Clerk works").
const LIFETIME: i64 = 60;

/// Builds a session token; created by [`Issuer::token`] or [`Issuer::edge_token`]. By default the token is valid, of
/// version 2, minted now, and without custom claims.
///
/// ```
/// use clerk_auth::testing::Issuer;
/// use serde_json::json;
///
/// let issuer = Issuer::new("https://clerk.example.com");
/// let admin = issuer.token("user_ada").organization("org_1", "org:admin").sign();
/// let writer = issuer.token("user_ada").organization("org_1", "member").permissions(["org:notes:write"]).sign();
/// let stale = issuer.token("user_ada").factor_verification_age([3, -1]).claim("email", "ada@example.com").sign();
/// let expired = issuer.token("user_ada").expired().sign();
/// let by_an_agent = issuer.token("user_ada").agent("agent_1").sign();
/// let elsewhere = issuer.token("user_ada").authorized_party("https://other.example.com").sign();
/// # assert_ne!(admin, writer); assert_ne!(stale, expired); assert_ne!(expired, elsewhere); assert_ne!(elsewhere, by_an_agent);
/// ```
#[derive(Clone)]
#[must_use = "a token is made by `sign`"]
pub struct SessionToken<'a> {
    issuer: &'a Issuer,
    claims: Map<String, Value>,
    /// `oiat`, if it is not `iat`.
    read_at: Option<Value>,
    granted: Vec<(String, String)>,
    features: Vec<String>,
}

impl Issuer {
    /// Begins a session token that is minted now and is valid by default.
    pub fn token(&self, user_id: &str) -> SessionToken<'_> {
        SessionToken::new(self, user_id)
    }

    /// Begins a session token as Clerk's edge mints it: minted now, with the claims of an earlier token of this issuer.
    ///
    /// The age of the claims does not change: `oiat` is that of the earlier token, which may itself be of the edge.
    ///
    /// ```
    /// use axum::http::{HeaderMap, header::AUTHORIZATION};
    /// use clerk_auth::testing::Issuer;
    /// use clerk_auth::time::{Clock, SystemClock, Timestamp};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let issuer = Issuer::new("https://clerk.example.com");
    /// let an_hour_ago = Timestamp::from_secs(SystemClock.now().as_secs() - 3_600);
    /// let origin = issuer.token("user_ada").claim("email", "old@example.com").issued_at(an_hour_ago).sign();
    /// let edge = issuer.edge_token(&origin).sign();
    ///
    /// let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {edge}").parse()?)]);
    /// let session = issuer.clerk().authenticate(&headers).await?;
    /// assert_eq!(session.claims_read_at(), an_hour_ago);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If `earlier` is not a token of this issuer. The signature and the times are not checked.
    pub fn edge_token(&self, earlier: &str) -> SessionToken<'_> {
        self.copy_of(earlier)
            .unwrap_or_else(|| panic!("expected a token of {}, found `{earlier}`", self.url()))
    }

    /// Copies a token; `None` if `earlier` is not a token of this issuer.
    pub(crate) fn copy_of(&self, earlier: &str) -> Option<SessionToken<'_>> {
        let mut parts = earlier.split('.').map(|part| {
            let json = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&json).ok()
        });
        let (header, claims) = (parts.next()??, parts.next()??);
        let is_ours = claims.get("iss").and_then(Value::as_str) == Some(self.url());
        let read_at = header.get("oiat").filter(|time| time.is_number());
        let read_at = read_at.or_else(|| claims.get("iat")).cloned();
        is_ours.then(|| SessionToken::copied(self, claims, read_at))
    }
}

impl<'a> SessionToken<'a> {
    pub(super) fn new(issuer: &'a Issuer, user_id: &str) -> Self {
        Self {
            issuer,
            claims: issuer.claims(user_id, SystemClock.now()),
            read_at: None,
            granted: Vec::new(),
            features: Vec::new(),
        }
    }

    /// Creates a token that is minted now, with claims that were read for an earlier token.
    pub(super) fn copied(issuer: &'a Issuer, claims: Map<String, Value>, read_at: Option<Value>) -> Self {
        let token = Self {
            issuer,
            claims,
            read_at,
            granted: Vec::new(),
            features: Vec::new(),
        };
        token.issued_at(SystemClock.now())
    }

    /// Sets a claim, custom or standard.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Returns a claim.
    #[cfg(feature = "dev")]
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Sets several claims, custom or standard: the members of a JSON object.
    ///
    /// # Panics
    ///
    /// If the value is not an object.
    pub fn claims(mut self, claims: Value) -> Self {
        let Value::Object(claims) = claims else {
            panic!("the claims are not a JSON object: {claims}");
        };
        self.claims.extend(claims);
        self
    }

    /// Omits a claim, custom or standard.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets the claims of a session-token template, evaluated over a user object of the Backend API:
    /// `.template(User::TEMPLATE, &user)`.
    pub fn template(mut self, template: &[TemplateClaim], user: &Value) -> Self {
        let filled = template
            .iter()
            .filter_map(|claim| Some((claim.name.to_owned(), claim.expression.evaluate(user)?)));
        self.claims.extend(filled);
        self
    }

    /// Sets the claims of a template about the active organization, evaluated over an organization object of the
    /// Backend API: `.organization_template(Organization::TEMPLATE, &organization)`.
    pub fn organization_template(self, template: &[TemplateClaim], organization: &Value) -> Self {
        self.filled(template, Objects::Organization(Node::readable(organization)))
    }

    /// Sets the claims of a template about the active membership and its organization, evaluated over a membership
    /// object: `.membership_template(Membership::TEMPLATE, &membership_object(…))`.
    pub fn membership_template(self, template: &[TemplateClaim], membership: &Value) -> Self {
        self.filled(template, Objects::Membership(Node::readable(membership)))
    }

    fn filled(mut self, template: &[TemplateClaim], objects: Objects<'_>) -> Self {
        let filled = template.iter().filter_map(|claim| {
            let value = claim.expression.evaluate_lenient(objects).ok()??;
            Some((claim.name.to_owned(), value))
        });
        self.claims.extend(filled);
        self
    }

    /// Sets the time at which the token is minted; its life of 60 seconds starts then.
    pub fn issued_at(self, now: Timestamp) -> Self {
        let now = now.as_secs();
        self.claim("iat", now)
            .claim("nbf", now - 10)
            .claim("exp", now + LIFETIME)
    }

    /// Sets the time at which Clerk read the claims, if that was before the token was minted: `oiat`.
    /// [`Issuer::edge_token`] copies the claims and this time from an earlier token.
    pub fn claims_read_at(mut self, time: Timestamp) -> Self {
        self.read_at = Some(time.as_secs().into());
        self
    }

    /// Sets the time from minting to expiry; whole seconds.
    pub fn lifetime(self, lifetime: Duration) -> Self {
        let issued_at = self.claims.get("iat").and_then(Value::as_i64).unwrap_or(0);
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        self.claim("exp", issued_at.saturating_add(lifetime))
    }

    /// Sets all times an hour back, so that the token has expired.
    pub fn expired(self) -> Self {
        let issued_at = self.claims.get("iat").and_then(Value::as_i64).unwrap_or(0);
        self.issued_at(Timestamp::from_secs(issued_at - 3_600))
    }

    /// Sets the origin of the front end that requested the token: `azp`.
    pub fn authorized_party(self, origin: &str) -> Self {
        self.claim("azp", origin)
    }

    /// Sets the active organization, and the user's role in it, with or without `org:`.
    pub fn organization(self, id: &str, role: &str) -> Self {
        let slug = id.strip_prefix("org_").unwrap_or(id);
        let role = role.strip_prefix("org:").unwrap_or(role);
        self.claim("o", json!({ "id": id, "slg": slug, "rol": role }))
    }

    /// Sets the active organization's slug.
    pub fn slug(mut self, slug: &str) -> Self {
        if let Some(organization) = self.claims.get_mut("o") {
            organization["slg"] = slug.into();
        }
        self
    }

    /// Grants permissions in the active organization: `org:feature:action`. The organization then has these features.
    pub fn permissions<P: AsRef<str>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        for permission in permissions {
            let permission = permission.as_ref();
            let name = permission.strip_prefix("org:").unwrap_or(permission);
            if let Some((feature, action)) = name.rsplit_once(':') {
                self.granted.push((feature.to_owned(), action.to_owned()));
            }
        }
        self
    }

    /// Adds a feature of the user's or the organization's plan, in the syntax of `#[authenticated(feature = …)]`:
    /// `export`, `user:export` or `org:export`. Clerk's own scopes `u:`, `o:` and `uo:` are accepted too. A feature
    /// without a scope is the user's.
    ///
    /// # Panics
    ///
    /// If the text has another form, because the token would grant nothing.
    #[track_caller]
    pub fn feature(mut self, feature: &str) -> Self {
        self.features.push(scoped("feature", feature));
        self
    }

    /// Adds a plan of the user or the organization, in the syntax of `#[authenticated(plan = …)]`: `pro`, `user:pro` or
    /// `org:pro`. Clerk's own scopes `u:`, `o:` and `uo:` are accepted too. A plan without a scope is the user's. A
    /// second call adds another plan.
    ///
    /// # Panics
    ///
    /// If the text has another form, because the token would grant nothing.
    #[track_caller]
    pub fn plan(self, plan: &str) -> Self {
        let plan = scoped("plan", plan);
        let plans = match self.claims.get("pla").and_then(Value::as_str) {
            Some(plans) => format!("{plans},{plan}"),
            None => plan,
        };
        self.claim("pla", plans)
    }

    /// Sets the minutes since the first and the second factor were verified; -1 means never.
    pub fn factor_verification_age(self, minutes: [i64; 2]) -> Self {
        self.claim("fva", json!(minutes))
    }

    /// Marks another person as acting for this user.
    pub fn impersonated_by(self, user_id: &str) -> Self {
        let issuer = self.issuer.url().to_owned();
        self.claim(
            "act",
            json!({ "iss": issuer, "sid": "sess_actor", "sub": user_id }),
        )
    }

    /// Marks an agent as acting for this user.
    pub fn agent(self, id: &str) -> Self {
        let issuer = self.issuer.url().to_owned();
        self.claim("act", json!({ "iss": issuer, "sub": id, "type": "agent" }))
    }

    /// Leaves a session task pending, such as choosing an organization.
    pub fn pending(self) -> Self {
        self.claim("sts", "pending")
    }

    /// Signs the token: three parts in base64url, for `Authorization: Bearer …` or the cookie `__session` with a
    /// `__client_uat`.
    pub fn sign(mut self) -> String {
        self.encode_features();
        match &self.read_at {
            Some(read_at) => self.issuer.sign_as_read_at(Some(read_at), &self.claims),
            None => self.issuer.sign(&self.claims),
        }
    }

    /// Encodes features in `fea`, and for each a mask over the actions of `o.per` (Clerk's documentation, "Session
    /// tokens").
    fn encode_features(&mut self) {
        let mut features: Vec<&str> = Vec::new();
        let mut actions: Vec<&str> = Vec::new();
        for (feature, action) in &self.granted {
            if !features.contains(&&**feature) {
                features.push(feature);
            }
            if !actions.contains(&&**action) {
                actions.push(action);
            }
        }
        let has = |feature: &str, action: &str| {
            let mut granted = self.granted.iter();
            granted.any(|(known, of)| known == feature && of == action)
        };
        let masks = features.iter().map(|feature| {
            let bits = actions.iter().enumerate();
            let mask = bits
                .filter(|(_, action)| has(feature, action))
                .fold(0_u128, |mask, (bit, _)| mask | 1 << bit);
            mask.to_string()
        });
        let masks: Vec<String> = masks.collect();
        let organization = features
            .iter()
            .map(|feature| format!("o:{feature}"))
            .filter(|feature| !self.features.contains(feature));
        // A mask belongs to the feature at its position, so the organization's features come first.
        let listed: Vec<String> = organization.chain(self.features.iter().cloned()).collect();
        if let (false, Some(organization)) = (masks.is_empty(), self.claims.get_mut("o")) {
            organization["per"] = actions.join(",").into();
            organization["fpm"] = masks.join(",").into();
        }
        if !listed.is_empty() {
            self.claims.insert("fea".to_owned(), listed.join(",").into());
        }
    }
}

/// Returns a feature or plan with the scope that Clerk writes (Clerk's documentation, "Session tokens").
#[track_caller]
fn scoped(what: &str, text: &str) -> String {
    let (scope, name) = match text.split_once(':') {
        None => ("u", text),
        Some((scope, name)) => {
            let scope = match scope {
                "u" | "user" => "u",
                "o" | "org" | "organization" => "o",
                "uo" | "ou" => "uo",
                _ => panic!(
                    "the {what} `{text}` has an unknown scope: write `{what}`, `user:{what}` or `org:{what}`"
                ),
            };
            (scope, name)
        }
    };
    let is_name =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != ',' && letter != ':';
    assert!(
        !name.is_empty() && name.chars().all(is_name),
        "the {what} `{text}` is not a name, so that a token would grant nothing: write one as `#[authenticated({what} = …)]` does"
    );
    format!("{scope}:{name}")
}

impl fmt::Debug for SessionToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SessionToken")
            .field("user_id", &self.claims.get("sub"))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::scoped;

    #[test]
    fn scope_is_read_as_the_attribute_writes_it() {
        for (text, expected) in [
            ("pro", "u:pro"),
            ("user:pro", "u:pro"),
            ("u:pro", "u:pro"),
            ("org:pro", "o:pro"),
            ("organization:pro", "o:pro"),
            ("o:pro", "o:pro"),
            ("uo:pro", "uo:pro"),
            ("ou:support-chat", "uo:support-chat"),
        ] {
            assert_eq!(scoped("plan", text), expected);
        }
        for text in [
            "", "user:", ":pro", "team:pro", "User:pro", "pro,free", "org:a:b", "pro plan", " pro",
        ] {
            catch_unwind(|| scoped("feature", text)).expect_err(text);
        }
    }
}
