use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgSeat": "{{org_membership.public_metadata.seat}}"}"#,
    database(postgres, sqlite)
)]
struct Organization {
    clerk_id: String,
    seat: Option<serde_json::Value>,
}

fn main() {}
