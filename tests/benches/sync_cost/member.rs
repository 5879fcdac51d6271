//! Measures the cost of a member's three rows as one parameter, next to the user alone and to three statements by hand.

use std::time::Duration;

use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome;
use clerk_auth::testing::organization_object;
use clerk_auth::time::Timestamp;
use clerk_auth::{
    MembershipSync, OrganizationSync, Session, SyncedMembership, SyncedOrganization, SyncedRow,
};
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use sqlx::{Postgres, Sqlite};

use super::{PER_ROUND, ROUNDS, each, median, report, select};

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "teams", fresh_for = "0s", database(postgres, sqlite))]
#[allow(dead_code, reason = "sync alone compares the fields")]
struct Team {
    clerk_id: String,
    name: String,
}

#[derive(Clone, SyncedMembership)]
#[synced_membership(
    table = "team_members",
    user = AlwaysRead,
    organization = Team,
    fresh_for = "0s",
    database(postgres, sqlite)
)]
#[allow(dead_code, reason = "sync alone compares the fields")]
struct TeamMember {
    user_id: String,
    organization_id: String,
    role: String,
}

pub(crate) async fn compare(profiles: &Profiles<AlwaysRead>) {
    let pool = &profiles.pool;
    let members = members(profiles).await;
    let organization = organization_object("org_1", Timestamp::from_secs(0));
    let mut sessions = Vec::new();
    for user in 0..PER_ROUND {
        let token = token(&format!("member_{user}"), "Ada", 5)
            .organization("org_1", "org:member")
            .organization_template(Team::TEMPLATE, &organization)
            .claim("orgRole", "org:member");
        let session = profiles.session(token).await;
        members.member(&session).await.expect("it syncs").expect("active");
        sessions.push(session);
    }
    let mut times = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        for turn in 0..times.len() {
            let which = (round + turn) % times.len();
            times[which].push(match which {
                0 => by_hand(pool, &sessions).await,
                1 => {
                    each(1, &sessions, async |session| {
                        let synced = profiles.users.sync(session).await.expect("it syncs");
                        assert_eq!(synced.outcome, SyncOutcome::Unchanged);
                    })
                    .await
                }
                2 => {
                    each(1, &sessions, async |session| {
                        let member = members.member(session).await.expect("it syncs").expect("active");
                        assert_eq!(member.membership_outcome, SyncOutcome::Unchanged);
                    })
                    .await
                }
                _ => {
                    each(1, &sessions, async |session| {
                        profiles.users.sync(session).await.expect("it syncs");
                        let row = members.sync(session).await.expect("it syncs").expect("active");
                        assert_eq!(row.user.user_id, session.user_id().as_str());
                    })
                    .await
                }
            });
        }
    }
    let [by_hand, user, member, two] = times.map(median);
    report(
        "unchanged member, three rows",
        "three SELECTs by key",
        by_hand,
        member,
    );
    report("the same", "sync of the user alone", user, member);
    report(
        "user and membership, one by one",
        "sync of the user alone",
        user,
        two,
    );
}

/// Runs the three statements that read the rows.
async fn by_hand(pool: &Pool, sessions: &[Session]) -> Duration {
    macro_rules! read {
        ($pool:expr, $database:ty, $row:ty, $key:expr) => {
            sqlx::query(<$row as StoredIn<$database>>::SELECT)
                .bind($key)
                .fetch_one($pool)
                .await
                .map(drop)
                .expect("the row is there")
        };
    }
    each(1, sessions, async |session| {
        let user_id = session.user_id().as_str();
        select(pool, user_id).await;
        let key = format!("{user_id}:org_1");
        match pool {
            Pool::Postgres(pool) => {
                read!(pool, Postgres, Team, "org_1");
                read!(pool, Postgres, TeamMember, &key);
            }
            Pool::Sqlite(pool) => {
                read!(pool, Sqlite, Team, "org_1");
                read!(pool, Sqlite, TeamMember, &key);
            }
        }
    })
    .await
}

async fn members(profiles: &Profiles<AlwaysRead>) -> MembershipSync<TeamMember> {
    macro_rules! start {
        ($pool:expr, $database:ty) => {{
            for sql in [
                <Team as StoredIn<$database>>::create_table(),
                <TeamMember as StoredIn<$database>>::create_table(),
            ] {
                profiles.pool.execute(&sql).await;
            }
            let organizations = OrganizationSync::new(&profiles.users, $pool.clone()).await;
            let organizations = organizations.expect("the table fits");
            MembershipSync::new(&profiles.users, &organizations, $pool.clone()).await
        }};
    }
    match &profiles.pool {
        Pool::Postgres(pool) => start!(pool, Postgres),
        Pool::Sqlite(pool) => start!(pool, Sqlite),
    }
    .expect("the table fits")
}
