//! The instance's settings, which Clerk's front end reads at start.

use serde_json::{Value, json};

use crate::dev::instance::{Instance, Minter};
use crate::testing::endpoints::locked;

impl Instance {
    /// Returns the settings of an instance with e-mail addresses, passwords and organizations, and without features
    /// that need another service.
    pub(super) fn environment(&self) -> Value {
        let mints_at_edge = locked(&self.settings).minter == Minter::Edge;
        json!({
            "auth_config": {
                "object": "auth_config",
                "id": "aconf_stand_in",
                "single_session_mode": false,
                "session_minter": mints_at_edge,
                "claimed_at": null,
                "reverification": false,
                "preferred_channels": {},
            },
            "display_config": self.display_config(),
            "user_settings": user_settings(),
            "organization_settings": {
                "enabled": true,
                "max_allowed_memberships": 100,
                "force_organization_selection": false,
                "actions": { "admin_delete": true },
                "domains": { "enabled": false, "enrollment_modes": [], "default_role": "org:member" },
                "slug": { "disabled": false },
                "organization_creation_defaults": { "enabled": false },
            },
            "commerce_settings": {
                "billing": {
                    "stripe_publishable_key": null,
                    "free_trial_requires_payment_method": false,
                    "organization": { "enabled": false, "has_paid_plans": false },
                    "user": { "enabled": false, "has_paid_plans": false },
                },
            },
            "api_keys_settings": { "user_api_keys_enabled": false, "orgs_api_keys_enabled": false },
            "maintenance_mode": false,
            "client_debug_mode": false,
        })
    }

    fn display_config(&self) -> Value {
        json!({
            "object": "display_config",
            "id": "display_config_stand_in",
            "application_name": "clerk-auth stand-in",
            "instance_environment_type": "production",
            "branded": false,
            "captcha_public_key": null,
            "captcha_widget_type": null,
            "captcha_provider": "turnstile",
            "home_url": self.origin,
            "sign_in_url": self.origin,
            "sign_up_url": self.origin,
            "user_profile_url": self.origin,
            "organization_profile_url": self.origin,
            "create_organization_url": self.origin,
            "after_sign_in_url": self.origin,
            "after_sign_up_url": self.origin,
            "after_sign_out_one_url": self.origin,
            "after_sign_out_all_url": self.origin,
            "after_switch_session_url": self.origin,
            "after_leave_organization_url": self.origin,
            "after_create_organization_url": self.origin,
            "logo_image_url": "",
            "favicon_image_url": "",
            "preferred_sign_in_strategy": "password",
            "theme": {},
            "support_email": null,
            "terms_url": null,
            "privacy_policy_url": null,
            "show_devmode_warning": false,
        })
    }
}

fn user_settings() -> Value {
    let attribute = |name: &str, is_enabled: bool, factors: &[&str]| {
        json!({
            "name": name,
            "enabled": is_enabled,
            "required": false,
            "used_for_first_factor": !factors.is_empty(),
            "first_factors": factors,
            "used_for_second_factor": false,
            "second_factors": [],
            "verifications": factors,
            "verify_at_sign_up": false,
        })
    };
    json!({
        "attributes": {
            "email_address": attribute("email_address", true, &["email_code"]),
            "phone_number": attribute("phone_number", false, &[]),
            "username": attribute("username", false, &[]),
            "web3_wallet": attribute("web3_wallet", false, &[]),
            "first_name": attribute("first_name", true, &[]),
            "last_name": attribute("last_name", true, &[]),
            "password": attribute("password", true, &[]),
            "authenticator_app": attribute("authenticator_app", false, &[]),
            "backup_code": attribute("backup_code", false, &[]),
            "passkey": attribute("passkey", false, &[]),
            "ticket": attribute("ticket", true, &[]),
        },
        "social": {},
        "saml": { "enabled": false },
        "enterprise_sso": { "enabled": false, "self_serve_sso": false },
        "sign_in": { "second_factor": { "required": false } },
        "sign_up": {
            "custom_action_required": false,
            "progressive": true,
            "captcha_enabled": false,
            "captcha_widget_type": null,
            "disable_hibp": true,
            "mode": "public",
            "legal_consent_enabled": false,
            "mfa": { "required": false },
        },
        "password_settings": { "disable_hibp": true, "min_length": 1, "max_length": 72 },
        "username_settings": { "min_length": 4, "max_length": 64 },
        "passkey_settings": { "allow_autofill": false, "show_sign_in_button": false },
        "actions": { "delete_self": false, "create_organization": true, "create_organizations_limit": null },
    })
}
