use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations")]
struct Organization {
    clerk_id: String,
}

fn main() {}
