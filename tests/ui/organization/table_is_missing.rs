use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(database(postgres, sqlite))]
struct Organization {
    clerk_id: String,
}

fn main() {}
