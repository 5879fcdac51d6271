use clerk_auth::{Member, SyncedMembership, SyncedOrganization, SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
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

#[authenticated]
async fn handler(_user: User, _member: Member<Membership>) {}

fn main() {}
