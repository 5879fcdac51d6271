//! A panic in the application's code only fails its request, whichever of a member's rows it concerns.

use clerk_auth::sync::{BoxError, SyncError, UserSyncBuilder};
use clerk_auth::testing::organization_object;
use clerk_auth::time::Timestamp;
use clerk_auth::{
    MembershipSync, OrganizationSync, Session, SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};

use crate::faults::panics::Touchy;

on_both_databases!(
    panic_of_a_type_costs_one_request_of_a_member,
    panic_of_a_hook_leaves_no_row_of_the_member,
);

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite)
)]
struct Person {
    #[column(generated)]
    #[expect(dead_code, reason = "memberships reference it")]
    id: i64,
    clerk_id: String,
}

#[derive(Clone, Debug, SyncedOrganization)]
#[synced_organization(table = "teams", database(postgres, sqlite))]
struct Team {
    #[column(generated)]
    #[expect(dead_code, reason = "memberships reference it")]
    id: i64,
    clerk_id: String,
    #[column(text)]
    name: Touchy,
}

#[derive(Clone, Debug, SyncedMembership)]
#[synced_membership(table = "team_members", user = Person, organization = Team, database(postgres, sqlite))]
struct TeamMember {
    #[expect(dead_code, reason = "every membership has one")]
    user_id: i64,
    #[expect(dead_code, reason = "every membership has one")]
    organization_id: i64,
    #[column(text)]
    role: Touchy,
}

struct Process {
    people: Profiles<Person>,
    teams: OrganizationSync<Team>,
    members: MembershipSync<TeamMember>,
}

impl Process {
    async fn start(pool: Pool) -> Self {
        let people = Profiles::<Person>::of_table(
            pool.clone(),
            UserSyncBuilder::denials_in_memory,
            UserSyncBuilder::denials_in_memory,
        )
        .await;
        let users = &people.users;
        let of_team = |team: &Team| hook(team.clerk_id == "org_insert");
        let of_member = |member: &TeamMember| hook(member.role.text() == "org:insert");
        let teams = match &pool {
            Pool::Postgres(pool) => {
                let teams = OrganizationSync::<Team>::builder(users, pool.clone());
                teams
                    .on_insert(move |_, team| Box::pin(of_team(team)))
                    .build()
                    .await
            }
            Pool::Sqlite(pool) => {
                let teams = OrganizationSync::<Team>::builder(users, pool.clone());
                teams
                    .on_insert(move |_, team| Box::pin(of_team(team)))
                    .build()
                    .await
            }
        };
        let teams = teams.expect("the table fits");
        let members = match &pool {
            Pool::Postgres(pool) => {
                let members = MembershipSync::<TeamMember>::builder(users, &teams, pool.clone());
                members
                    .on_insert(move |_, member| Box::pin(of_member(member)))
                    .build()
                    .await
            }
            Pool::Sqlite(pool) => {
                let members = MembershipSync::<TeamMember>::builder(users, &teams, pool.clone());
                members
                    .on_insert(move |_, member| Box::pin(of_member(member)))
                    .build()
                    .await
            }
        };
        Self {
            members: members.expect("the table fits"),
            people,
            teams,
        }
    }

    /// Starts a process with a single connection. If it were not returned, every later request would fail.
    async fn first(database: &TestDatabase) -> Self {
        let pool = Pool::open(database.url(), 1).await;
        pool.migrate::<Person>().await;
        pool.migrate::<Team>().await;
        pool.migrate::<TeamMember>().await;
        Self::start(pool).await
    }

    async fn session(&self, user_id: &str, organization_id: &str, name: &str, role: &str) -> Session {
        let mut organization = organization_object(organization_id, Timestamp::from_secs(0));
        organization["name"] = name.into();
        let token = issuer()
            .token(user_id)
            .claim("updatedAt", 5)
            .organization(organization_id, role)
            .organization_template(Team::TEMPLATE, &organization)
            .claim("orgRole", role);
        self.people.session(token).await
    }

    /// Returns the number of rows in each table.
    async fn numbers(&self) -> [i64; 3] {
        let pool = &self.people.pool;
        [
            pool.number("SELECT count(*) FROM people").await,
            pool.number("SELECT count(*) FROM teams").await,
            pool.number("SELECT count(*) FROM team_members").await,
        ]
    }
}

async fn hook(panics: bool) -> Result<(), BoxError> {
    assert!(!panics, "the application panics in a hook");
    Ok(())
}

async fn panic_of_a_type_costs_one_request_of_a_member(database: TestDatabase) {
    let process = Process::first(&database).await;
    let pool = &process.people.pool;
    for (id, place) in ["decode", "equal"].into_iter().enumerate() {
        for sql in [
            format!("INSERT INTO people (clerk_id, clerk_version) VALUES ('user_{place}', 5000)"),
            format!("INSERT INTO teams (clerk_id, name, clerk_version) VALUES ('org_{place}', '{place}', 0)"),
            format!("INSERT INTO teams (clerk_id, name, clerk_version) VALUES ('org_of_{place}', 'Acme', 0)"),
            format!(
                "INSERT INTO team_members (user_id, organization_id, role, clerk_key, clerk_version)
                 VALUES ({}, {}, '{place}', 'user_{place}:org_of_{place}', 0)",
                id + 1,
                2 * (id + 1)
            ),
        ] {
            pool.execute(&sql).await;
        }
    }
    for round in 0..5 {
        for place in ["from_claim", "encode", "decode", "equal"] {
            let user = format!("user_{place}");
            let name = process
                .session(&user, &format!("org_{place}"), place, "org:member")
                .await;
            let role = process
                .session(&user, &format!("org_of_{place}"), "Acme", place)
                .await;
            for (session, of_name) in [(&name, true), (&role, false)] {
                let together = process.members.member(session).await;
                assert!(
                    matches!(together, Err(SyncError::Panicked)),
                    "{place} {of_name}: {together:?}"
                );
                let alone = match of_name {
                    true => process.teams.sync(session).await.map(drop),
                    false => process.members.sync(session).await.map(drop),
                };
                assert!(
                    matches!(alone, Err(SyncError::Panicked)),
                    "{place} {of_name}: {alone:?}"
                );
            }
        }
        let user = format!("user_{round}");
        let ada = process.session(&user, "org_acme", "Acme", "org:member").await;
        let member = process
            .members
            .member(&ada)
            .await
            .expect("the next request is answered");
        assert_eq!(member.expect("active").user.clerk_id, user);
    }
}

async fn panic_of_a_hook_leaves_no_row_of_the_member(database: TestDatabase) {
    let process = Process::first(&database).await;
    for _ in 0..5 {
        for (organization, role) in [("org_insert", "org:member"), ("org_acme", "org:insert")] {
            let session = process.session("user_ada", organization, "Acme", role).await;
            let panicked = process.members.member(&session).await;
            assert!(
                matches!(panicked, Err(SyncError::Panicked)),
                "{organization}: {panicked:?}"
            );
        }
    }
    assert_eq!(process.numbers().await, [0, 0, 0]);
    let session = process
        .session("user_ada", "org_acme", "Acme", "org:member")
        .await;
    process
        .members
        .member(&session)
        .await
        .expect("the next request is answered");
    assert_eq!(process.numbers().await, [1, 1, 1]);
}
