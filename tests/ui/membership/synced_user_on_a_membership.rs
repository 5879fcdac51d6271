use clerk_auth::{SyncedMembership, SyncedOrganization, SyncedUser};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

#[derive(SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    clerk_id: String,
}

#[derive(SyncedMembership)]
#[synced_user(table = "memberships", user = User, organization = Organization, database(postgres, sqlite))]
struct Membership {
    user_id: i64,
    organization_id: String,
    role: String,
}

fn main() {}
