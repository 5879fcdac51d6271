use clerk_auth::{SyncedMembership, SyncedOrganization, SyncedUser};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
}

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    clerk_id: String,
}

#[derive(Clone, SyncedMembership)]
#[synced_membership(table = "memberships", user = User, organization = Organization, database(postgres, sqlite))]
struct Membership {
    user_id: String,
    organization_id: String,
    role: String,
}

fn main() {}
