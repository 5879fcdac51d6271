use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgPlan": "{{org.public_metadata.plan}}"}"#,
    database(postgres, sqlite)
)]
struct Organization {
    clerk_id: String,
    plan: String,
}

fn main() {}
