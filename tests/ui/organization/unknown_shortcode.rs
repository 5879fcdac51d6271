use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgMembers": "{{org.members_count}}"}"#,
    database(postgres, sqlite)
)]
struct Organization {
    clerk_id: String,
    members: Option<serde_json::Value>,
}

fn main() {}
