use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "iat", allow(unused_claims, unbounded_claims), template_json = r#"{"orgs": "{{user.organizations}}"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
