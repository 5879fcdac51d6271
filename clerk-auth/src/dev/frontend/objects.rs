//! The objects that the Frontend API returns: browsers with their sessions, and users with their memberships.

use serde_json::{Value, json};

use crate::dev::clients::{LiveSession, SignIn};
use crate::dev::instance::Instance;
use crate::dev::organizations::{identifier, public_user_data};
use crate::testing::endpoints::locked;

/// The lifetime of a session, in milliseconds.
const SESSION_LIFETIME: i64 = 7 * 24 * 60 * 60 * 1_000;

impl Instance {
    /// Returns the object of a browser, which every answer to a change contains. `party` is the origin of the page.
    pub(super) fn client_object(&self, client_id: &str, party: Option<&str>) -> Value {
        let clients = locked(&self.clients);
        let Some(client) = clients.get(client_id).cloned() else {
            return Value::Null;
        };
        let sessions = clients.sessions_of(client_id);
        drop(clients);
        let sessions: Vec<Value> = sessions
            .iter()
            .map(|session| self.session_object(session, party))
            .collect();
        json!({
            "object": "client",
            "id": client.id,
            "sessions": sessions,
            "sign_in": client.sign_in.map(|sign_in| self.sign_in_object(&sign_in)),
            "sign_up": null,
            "last_active_session_id": client.last_active_session_id,
            "last_authentication_strategy": null,
            "cookie_expires_at": null,
            "captcha_bypass": true,
            "created_at": client.created_at.as_millis(),
            "updated_at": client.sessions_changed_at.as_millis(),
        })
    }

    pub(super) fn session_object(&self, session: &LiveSession, party: Option<&str>) -> Value {
        let user = locked(&self.endpoints.users)
            .get(&session.user_id)
            .unwrap_or_default();
        let token = self.session_token(session, session.organization_id.as_deref(), party);
        let tasks = if session.is_pending {
            json!([{ "key": "choose-organization" }])
        } else {
            Value::Null
        };
        json!({
            "object": "session",
            "id": session.id,
            "status": if session.is_pending { "pending" } else { "active" },
            "tasks": tasks,
            "actor": session.actor,
            "factor_verification_age": [0, -1],
            "last_active_organization_id": session.organization_id,
            "last_active_token": token.map(|jwt| json!({ "object": "token", "jwt": jwt })),
            "public_user_data": public_user_data(&user),
            "user": self.own_user_object(&user),
            "last_active_at": session.updated_at.as_millis(),
            "expire_at": session.created_at.as_millis() + SESSION_LIFETIME,
            "abandon_at": session.created_at.as_millis() + SESSION_LIFETIME,
            "created_at": session.created_at.as_millis(),
            "updated_at": session.updated_at.as_millis(),
        })
    }

    /// Returns the user's own view of a user: with memberships, and with the lists that the Backend API may omit.
    pub(super) fn own_user_object(&self, user: &Value) -> Value {
        let mut own = json!({
            "passkeys": [],
            "web3_wallets": [],
            "external_accounts": [],
            "enterprise_accounts": [],
            "saml_accounts": [],
            "password_enabled": true,
            "totp_enabled": false,
            "backup_code_enabled": false,
            "delete_self_enabled": false,
            "create_organization_enabled": true,
            "primary_web3_wallet_id": null,
        });
        if let (Some(own), Some(user)) = (own.as_object_mut(), user.as_object()) {
            own.extend(user.clone());
            own.remove("private_metadata");
        }
        let organizations = locked(&self.organizations);
        let memberships: Vec<Value> = organizations
            .of_user(user["id"].as_str().unwrap_or_default())
            .map(|membership| organizations.membership_object(membership, user))
            .collect();
        own["organization_memberships"] = memberships.into();
        own
    }

    /// Returns a sign-in that waits for its first factor.
    pub(super) fn sign_in_object(&self, sign_in: &SignIn) -> Value {
        let user = locked(&self.endpoints.users)
            .get(&sign_in.user_id)
            .unwrap_or_default();
        let address_id = &user["primary_email_address_id"];
        let mut factors = vec![json!({ "strategy": "password" })];
        if !address_id.is_null() {
            factors.push(json!({
                "strategy": "email_code",
                "email_address_id": address_id,
                "safe_identifier": identifier(&user),
                "primary": true,
            }));
        }
        sign_in_attempt(&sign_in.id, &user, "needs_first_factor", &factors, None)
    }
}

/// Returns a sign-in that has created a session.
pub(super) fn complete_sign_in(id: &str, user: &Value, session_id: &str) -> Value {
    sign_in_attempt(id, user, "complete", &[], Some(session_id))
}

fn sign_in_attempt(
    id: &str,
    user: &Value,
    status: &str,
    factors: &[Value],
    session_id: Option<&str>,
) -> Value {
    json!({
        "object": "sign_in_attempt",
        "id": id,
        "status": status,
        "identifier": identifier(user),
        "supported_identifiers": ["email_address"],
        "supported_first_factors": factors,
        "supported_second_factors": [],
        "first_factor_verification": null,
        "second_factor_verification": null,
        "user_data": {
            "first_name": user["first_name"],
            "last_name": user["last_name"],
            "image_url": user["image_url"],
            "has_image": user["has_image"],
        },
        "created_session_id": session_id,
    })
}

/// Returns a sign-up that has created a user and a session.
pub(super) fn complete_sign_up(id: &str, user: &Value, session_id: &str) -> Value {
    json!({
        "object": "sign_up_attempt",
        "id": id,
        "status": "complete",
        "required_fields": ["email_address"],
        "optional_fields": ["first_name", "last_name", "password"],
        "missing_fields": [],
        "unverified_fields": [],
        "verifications": {},
        "username": null,
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "email_address": identifier(user),
        "phone_number": null,
        "web3_wallet": null,
        "has_password": true,
        "unsafe_metadata": {},
        "created_session_id": session_id,
        "created_user_id": user["id"],
    })
}
