//! Memberships with names, keys and a role of the application's own.

use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
use clerk_auth::row::StoredIn;
use clerk_auth::{SyncedMembership, SyncedOrganization, SyncedUser};

#[derive(SyncedUser)]
#[synced_user(table = "accounts.users", database(postgres, sqlite))]
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

#[derive(PartialEq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
enum Role {
    Admin,
    Member,
}

impl FromClaim<Text> for Role {
    fn from_claim(role: &str) -> Result<Self, InvalidClaim> {
        match role {
            "org:admin" => Ok(Self::Admin),
            "org:member" => Ok(Self::Member),
            _ => Err(InvalidClaim::new("no role of this application")),
        }
    }
}

#[derive(SyncedMembership)]
#[synced_membership(
    table = "memberships",
    user = User,
    organization = Organization,
    template_json = r#"{"orgRole": "{{org.role}}", "orgBadge": "{{org_membership.public_metadata.badge}}"}"#,
    database(postgres, sqlite)
)]
struct Membership {
    #[column(generated)]
    id: i64,
    #[column(user, name = "person")]
    member: i64,
    organization_id: String,
    #[column(sql_type = "TEXT")]
    role: Role,
    #[column(json)]
    badge: Option<serde_json::Value>,
    #[column(app)]
    seat: Option<i32>,
}

pub fn main() {
    let sql = <Membership as StoredIn<sqlx::Postgres>>::create_table();
    assert!(sql.contains(r#""person" BIGINT NOT NULL REFERENCES "accounts"."users" ("id") ON DELETE CASCADE"#), "{sql}");
    assert!(sql.contains(r#""organization_id" TEXT NOT NULL REFERENCES "organizations" ("clerk_id")"#), "{sql}");
}
