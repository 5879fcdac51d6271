use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgRole": "{{org.role}}"}"#,
    database(postgres, sqlite)
)]
struct Organization {
    clerk_id: String,
    role: String,
}

fn main() {}
