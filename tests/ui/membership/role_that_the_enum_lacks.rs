// mistakes: 4
use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
use clerk_auth::{Member, SyncedMembership, SyncedOrganization, SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    clerk_id: String,
}

#[derive(Clone, Copy, PartialEq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
enum Role {
    Admin,
    Member,
}

impl FromClaim<Text> for Role {
    const VALUES: Option<&'static [&'static str]> = Some(&["org:admin", "org:member"]);

    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        match text {
            "org:admin" => Ok(Self::Admin),
            "org:member" => Ok(Self::Member),
            _ => Err(InvalidClaim::new("the role is unknown")),
        }
    }
}

#[derive(Clone, SyncedMembership)]
#[synced_membership(table = "memberships", user = User, organization = Organization, database(postgres, sqlite))]
struct Membership {
    user_id: i64,
    organization_id: String,
    role: Role,
}

#[authenticated(role = "org:owner")]
async fn after_the_user(_user: User, membership: Membership) {
    let _ = membership;
}

#[authenticated(role = "org:admni")]
async fn as_a_member(member: Member<Membership>) {
    let _ = member;
}

#[authenticated(any(role = "org:admin", role = "org:Admin"))]
async fn one_of_two(_user: User, membership: Option<Membership>) {
    let _ = membership;
}

const BILLING: &str = "org:billing";

#[authenticated(role = BILLING)]
async fn by_a_constant(_user: User, membership: Membership) {
    let _ = membership;
}

fn main() {}
