use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgName": "{{org.name}}", "ownerName": "{{user.first_name}}"}"#,
    database(postgres, sqlite)
)]
struct Organization {
    clerk_id: String,
    name: String,
    #[claim("ownerName")]
    owner_name: Option<String>,
}

fn main() {}
