use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

fn main() {}
