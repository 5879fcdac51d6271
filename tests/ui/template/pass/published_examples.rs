// Clerk's pages "JWT templates", "Session tokens", "Force a token refresh", "Migrate to Clerk", "Organization slugs in URLs" and
// "Add reverification for sensitive actions".
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unused_claims), template_json = r#"{
  "aud": "https://example.com",
  "interests": ["hiking", "knitting"],
  "name": "{{user.first_name}}",
  "surname": "{{user.last_name}}",
  "email": "{{user.primary_email_address}}"
}"#)]
pub struct User {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unused_claims), template_json = r#"{
  "likes_to_do": "{{user.public_metadata.interests}}",
  "shipping_address": "{{user.public_metadata.addresses.Home}}"
}"#)]
pub struct Second {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unused_claims), template_json = r#"{
  "has_verified_contact_info": "{{user.email_verified || user.phone_number_verified}}",
  "full_name": "{{user.full_name || 'Awesome User'}}",
  "age": "{{user.public_metadata.age || user.unsafe_metadata.age || 30 }}"
}"#)]
pub struct Third {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unused_claims), template_json = r#"{
  "userId": "{{user.external_id || user.id}}"
}"#)]
pub struct Fourth {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unused_claims), template_json = r#"{
  "onboardingComplete": "{{user.public_metadata.onboardingComplete}}"
}"#)]
pub struct Fifth {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unused_claims), template_json = r#"{
  "birthday": "{{user.public_metadata.birthday}}"
}"#)]
pub struct Sixth {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "org_name": "{{org.name}}"
}"#)]
pub struct Seventh {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", allow(unbounded_claims, unused_claims), template_json = r#"{
  "metadata": "{{user.public_metadata}}"
}"#)]
pub struct Eighth {
    pub clerk_id: String,
}

pub fn main() {}
