use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgMetadata": "{{org.public_metadata}}"}"#,
    database(postgres, sqlite),
    allow(unbounded_claims)
)]
struct Organization {
    clerk_id: String,
    #[column(json)]
    metadata: serde_json::Value,
}

fn main() {}
