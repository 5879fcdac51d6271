use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
struct Organization {
    clerk_id: String,
}

fn main() {}
