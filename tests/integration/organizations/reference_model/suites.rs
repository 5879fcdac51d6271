//! The structs of the two suites: organizations whose rows are marked, and organizations with tombstones.

use clerk_auth::row::StoredIn;
use clerk_auth::{SyncedMembership, SyncedOrganization, SyncedUser};

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite),
    fresh_for = "0s"
)]
#[expect(dead_code, reason = "the table is looked at")]
pub(super) struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    pub(super) name: Option<String>,
}

/// Deleted organizations keep their row, with a mark.
#[derive(Clone, Debug, SyncedOrganization)]
#[synced_organization(table = "teams", database(postgres, sqlite), fresh_for = "0s")]
#[expect(dead_code, reason = "the table is looked at")]
pub(super) struct Kept {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: String,
}

#[derive(Clone, Debug, SyncedMembership)]
#[synced_membership(
    table = "team_members",
    user = Person,
    organization = Kept,
    database(postgres, sqlite),
    fresh_for = "0s"
)]
#[expect(dead_code, reason = "the table is looked at")]
pub(super) struct MemberOfKept {
    user_id: i64,
    organization_id: i64,
    role: String,
}

/// Deleted organizations lose their row, and the memberships with it.
#[derive(Clone, Debug, SyncedOrganization)]
#[synced_organization(
    table = "teams",
    tombstones = "former_teams",
    database(postgres, sqlite),
    fresh_for = "0s"
)]
#[expect(dead_code, reason = "the table is looked at")]
pub(super) struct Removed {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: String,
}

#[derive(Clone, Debug, SyncedMembership)]
#[synced_membership(
    table = "team_members",
    user = Person,
    organization = Removed,
    database(postgres, sqlite),
    fresh_for = "0s"
)]
#[expect(dead_code, reason = "the table is looked at")]
pub(super) struct MemberOfRemoved {
    user_id: i64,
    organization_id: i64,
    role: String,
}

/// The structs of a suite.
pub(super) trait Suite: Send + Sync + 'static {
    type Team: SyncedOrganization + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>;
    type Member: SyncedMembership<User = Person, Organization = Self::Team>
        + StoredIn<sqlx::Postgres>
        + StoredIn<sqlx::Sqlite>;
    /// Reads name, version and whether it is deleted.
    const TEAM: &'static str;
    const REMOVES: bool;

    fn name(team: &Self::Team) -> &str;
    fn role(member: &Self::Member) -> &str;
}

pub(super) struct Marks;

impl Suite for Marks {
    type Team = Kept;
    type Member = MemberOfKept;
    const TEAM: &'static str =
        "SELECT name, clerk_version, clerk_deleted_at IS NOT NULL FROM teams WHERE clerk_id = $1";
    const REMOVES: bool = false;

    fn name(team: &Kept) -> &str {
        &team.name
    }

    fn role(member: &MemberOfKept) -> &str {
        &member.role
    }
}

pub(super) struct Tombstones;

impl Suite for Tombstones {
    type Team = Removed;
    type Member = MemberOfRemoved;
    const TEAM: &'static str = "SELECT name, clerk_version, EXISTS (SELECT 1 FROM former_teams WHERE \
                                former_teams.clerk_id = teams.clerk_id) FROM teams WHERE clerk_id = $1";
    const REMOVES: bool = true;

    fn name(team: &Removed) -> &str {
        &team.name
    }

    fn role(member: &MemberOfRemoved) -> &str {
        &member.role
    }
}
