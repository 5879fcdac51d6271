use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgActor": "{{session.actor}}"}"#,
    database(postgres, sqlite)
)]
struct Organization {
    clerk_id: String,
    actor: Option<serde_json::Value>,
}

fn main() {}
