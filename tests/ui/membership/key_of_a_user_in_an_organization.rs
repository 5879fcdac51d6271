use clerk_auth::SyncedOrganization;

#[derive(SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    clerk_id: String,
    #[column(user)]
    owner: i64,
}

fn main() {}
