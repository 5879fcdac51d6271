// Clerk's page "Implement basic Role Based Access Control (RBAC) with metadata".
use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "iat", allow(unbounded_claims, unused_claims), template_json = r#"{
  "metadata": "{{user.public_metadata}}"
}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
