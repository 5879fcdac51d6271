use clerk_auth::SyncedOrganization;

#[derive(SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres))]
enum Organization {
    Team,
}

fn main() {}
