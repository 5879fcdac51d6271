use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite), version = "iat")]
struct Organization {
    clerk_id: String,
    name: String,
}

fn main() {}
