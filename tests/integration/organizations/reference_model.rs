//! The rows of users, organizations and memberships match the newest information in any order. Random histories on two
//! processes are compared with a model. A history has tokens of the origin and of the edge, deliveries in any order and
//! repeated, ends and returns of memberships, deletions and restarts.

mod model;
mod suites;
mod world;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::SyncError;
use clerk_auth::testing::SignedDelivery;
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, MembershipSync, OrganizationSync, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::histories::histories;
use clerk_auth_tests::profiles::{Pool, issuer};
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use tower::ServiceExt;

use model::{Kind, Model, Row, observed, orders};
use suites::{Marks, Person, Suite, Tombstones};
use world::{Observation, Step, World, step};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Each history has this many users, and as many organizations.
const MANY: usize = 2;

const PERSON: &str =
    "SELECT name, clerk_version, clerk_deleted_at IS NOT NULL FROM people WHERE clerk_id = $1";

const MEMBER: &str =
    "SELECT role, clerk_version, clerk_deleted_at IS NOT NULL FROM team_members WHERE clerk_key = $1";

/// Memberships whose references are not those of their key.
const WRONG_REFERENCES: &str = "SELECT count(*) FROM team_members
    LEFT JOIN people ON people.id = team_members.user_id
    LEFT JOIN teams ON teams.id = team_members.organization_id
    WHERE team_members.clerk_key IS DISTINCT FROM people.clerk_id || ':' || teams.clerk_id";

async fn read(pool: &Pool, sql: &'static str, key: &str) -> Option<Row> {
    match pool {
        Pool::Postgres(pool) => sqlx::query_as(sql).bind(key).fetch_optional(pool).await,
        Pool::Sqlite(pool) => sqlx::query_as(sql).bind(key).fetch_optional(pool).await,
    }
    .expect("it is read")
}

/// The handles of a process.
struct Process<S: Suite> {
    clerk: Clerk,
    people: UserSync<Person>,
    teams: OrganizationSync<S::Team>,
    members: MembershipSync<S::Member>,
    pool: Pool,
    receiver: Router,
}

/// The rows that a request has received.
#[derive(Debug)]
struct Got {
    user: Option<String>,
    team: Option<String>,
    role: Option<String>,
}

async fn create_tables<S: Suite>(pool: &Pool) {
    pool.migrate::<Person>().await;
    pool.migrate::<S::Team>().await;
    pool.migrate::<S::Member>().await;
}

impl<S: Suite> Process<S> {
    async fn start(pool: Pool) -> Self {
        let clerk = Clerk::builder()
            .issuer(issuer().url())
            .jwt_key(issuer().public_key_pem())
            .insecure_accept_long_lived_tokens()
            .build()
            .expect("the configuration is right");
        let people = match &pool {
            Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
            Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        };
        let people = people.expect("the table fits");
        let teams = pool.organizations(&people).await;
        let members = pool.memberships(&people, &teams).await;
        let verifier = WebhookVerifier::new(SECRET.parse().expect("it is a secret"));
        Self {
            receiver: Router::new().route("/", webhooks(&people, verifier)),
            clerk,
            people,
            teams,
            members,
            pool,
        }
    }

    async fn request(&self, token: &str) -> Got {
        let mut got = Got {
            user: None,
            team: None,
            role: None,
        };
        let bearer = format!("Bearer {token}").parse().expect("it is a header's value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let session = match self.clerk.authenticate(&headers).await {
            Ok(session) => session,
            Err(AuthenticationError::Refused(Refusal::UserDeleted)) => return got,
            Err(error) => panic!("{error}"),
        };
        match self.people.sync(&session).await {
            Ok(synced) => got.user = synced.user.name,
            Err(SyncError::UserDeleted) => return got,
            Err(error) => panic!("{error}"),
        }
        match self.teams.sync_shared(&session).await {
            Ok(synced) => got.team = synced.map(|synced| S::name(&synced.user).to_owned()),
            Err(SyncError::OrganizationDeleted | SyncError::MembershipEnded) => return got,
            Err(error) => panic!("{error}"),
        }
        match self.members.sync_shared(&session).await {
            Ok(synced) => got.role = synced.map(|synced| S::role(&synced.user).to_owned()),
            Err(SyncError::OrganizationDeleted | SyncError::MembershipEnded) => {}
            Err(error) => panic!("{error}"),
        }
        got
    }

    /// Runs a request or a delivery. Returns the answer to a delivery.
    async fn arrive(&self, token: Option<&str>, delivery: Option<&SignedDelivery>) -> Option<StatusCode> {
        if let Some(token) = token {
            self.request(token).await;
        }
        match delivery {
            Some(delivery) => Some(self.deliver(delivery).await),
            None => None,
        }
    }

    async fn deliver(&self, delivery: &SignedDelivery) -> StatusCode {
        let answer = self.receiver.clone().oneshot(delivery.request("/")).await;
        answer.expect("a router answers").status()
    }
}

/// Two processes on one database.
struct Run<S: Suite> {
    processes: [Process<S>; 2],
    url: String,
}

impl<S: Suite> Run<S> {
    async fn start(database: &TestDatabase) -> Self {
        let pool = Pool::open(database.url(), 5).await;
        create_tables::<S>(&pool).await;
        let there = Pool::open(database.url(), 5).await;
        Self {
            processes: [Process::start(pool).await, Process::start(there).await],
            url: database.url().to_owned(),
        }
    }

    async fn history(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        let (mut world, mut model) = (World::new(), Model::default());
        // Users and organizations get rows before the first membership, which references them.
        for number in 0..MANY {
            world.send_user(number);
            world.send_team(number);
        }
        for place in 0..world.deliveries.len() {
            self.deliver(&world, &mut model, place, 0).await?;
        }
        for step in steps {
            match *step {
                Step::Deliver(delivery, process) => {
                    let place = delivery % world.deliveries.len();
                    self.deliver(&world, &mut model, place, process).await?;
                }
                Step::Request(token, process) => {
                    if let Some(place) = token.checked_rem(world.tokens.len()) {
                        self.request(&world, &mut model, place, process).await?;
                    }
                }
                Step::Restart(process) => {
                    self.processes[process] = Process::start(Pool::open(&self.url, 5).await).await;
                }
                Step::AtOnce(ref steps) => self.at_once(&world, &mut model, steps).await?,
                _ => world.happen(step),
            }
            self.check(&world, &model).await?;
        }
        Ok(())
    }

    async fn deliver(
        &self,
        world: &World,
        model: &mut Model,
        place: usize,
        process: usize,
    ) -> Result<(), TestCaseError> {
        let (delivery, observation) = &world.deliveries[place];
        let status = self.processes[process].deliver(delivery).await;
        prop_assert_eq!(status, StatusCode::NO_CONTENT, "{:?}", observation);
        model.observe::<S>(observation);
        Ok(())
    }

    async fn request(
        &self,
        world: &World,
        model: &mut Model,
        place: usize,
        process: usize,
    ) -> Result<(), TestCaseError> {
        let (token, observation) = &world.tokens[place];
        let Observation::Token {
            user,
            active,
            read_at,
        } = observation
        else {
            return Ok(());
        };
        let got = self.processes[process].request(token).await;
        let (number, version, name) = user;
        model.people[*number] = observed(
            model.people[*number].take(),
            Kind::User,
            version.as_millis(),
            name,
        );
        let (expected, _, is_deleted) = model.people[*number].clone().expect("it was observed");
        let expected = (!is_deleted).then_some(expected);
        prop_assert_eq!(&got.user, &expected);
        let Some(active) = active.as_ref().filter(|_| !is_deleted) else {
            prop_assert!(got.team.is_none() && got.role.is_none(), "{got:?}");
            return Ok(());
        };
        let key = (active.user, active.team);
        let is_denied = model.deleted[active.team] || model.ends.get(&key).is_some_and(|end| read_at <= end);
        let team = observed(
            model.teams[active.team].clone(),
            Kind::Organization,
            *read_at,
            &active.name,
        );
        let member = model.members.get(&key).cloned().flatten();
        let member = observed(member, Kind::Membership, *read_at, &active.role);
        let live = |row: &Option<Row>| row.clone().filter(|row| !row.2).map(|row| row.0);
        if !is_denied {
            model.teams[active.team] = team;
            model.members.insert(key, member);
            prop_assert_eq!(&got.team, &live(&model.teams[active.team]));
            prop_assert_eq!(&got.role, &live(&model.members[&key]));
            return Ok(());
        }
        // A process that has received the end refuses; another serves the rows, which have recorded the end.
        let pool = &self.processes[process].pool;
        if read(pool, S::TEAM, &world.team_id(active.team)).await == team {
            model.teams[active.team] = team;
        }
        prop_assert!(got.team.is_none() || !model.deleted[active.team], "{got:?}");
        let is_over = live(&model.members.get(&key).cloned().flatten()).is_none();
        prop_assert!(
            got.role.is_none() || !is_over,
            "an ended membership answers: {got:?}"
        );
        Ok(())
    }

    /// Asserts that the rows match one of the possible orders of the requests and deliveries. A request may have failed
    /// because of a concurrent end.
    async fn at_once(&self, world: &World, model: &mut Model, steps: &[Step]) -> Result<(), TestCaseError> {
        let (mut running, mut applied, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            match *step {
                Step::Request(token, process) if !world.tokens.is_empty() => {
                    let (token, observation) = &world.tokens[token % world.tokens.len()];
                    applied.push((observation.clone(), true));
                    sent.push(None);
                    running.push(self.processes[process].arrive(Some(token), None));
                }
                Step::Deliver(delivery, process) => {
                    let (delivery, observation) = &world.deliveries[delivery % world.deliveries.len()];
                    applied.push((observation.clone(), false));
                    sent.push(Some((process, delivery)));
                    running.push(self.processes[process].arrive(None, Some(delivery)));
                }
                _ => {}
            }
        }
        for (place, answer) in join_all(running).await.into_iter().enumerate() {
            // Clerk retries a delivery that is answered 503, which may have been applied in part.
            if let (Some(StatusCode::SERVICE_UNAVAILABLE), Some((process, delivery))) = (answer, sent[place])
            {
                let again = self.processes[process].deliver(delivery).await;
                applied[place].1 = true;
                applied.push((applied[place].0.clone(), again != StatusCode::NO_CONTENT));
            }
        }
        let mut possible = Vec::new();
        orders::<S>(model.clone(), &applied, &mut possible);
        let Some(last) = possible.last().cloned() else {
            return Ok(());
        };
        let mut next = Model {
            ends: last.ends,
            deleted: last.deleted,
            ..model.clone()
        };
        let pool = &self.processes[0].pool;
        for number in 0..MANY {
            let person = read(pool, PERSON, &world.user_id(number)).await;
            let is_possible = possible.iter().any(|model| model.people[number] == person);
            prop_assert!(is_possible, "user {number}: {person:?} after {applied:?}");
            next.people[number] = person;
            let team = read(pool, S::TEAM, &world.team_id(number)).await;
            let of_model = |row: &Option<Row>| row.clone().filter(|row| !(row.2 && S::REMOVES));
            let is_possible = possible
                .iter()
                .any(|model| of_model(&model.teams[number]) == team);
            prop_assert!(is_possible, "organization {number}: {team:?} after {applied:?}");
            if team.is_some() {
                next.teams[number] = team;
            } else {
                next.teams[number] = last.teams[number].clone();
            }
        }
        for user in 0..MANY {
            for team in 0..MANY {
                let row = read(pool, MEMBER, &world.key(user, team)).await;
                let is_possible = possible
                    .iter()
                    .any(|model| model.members.get(&(user, team)).cloned().flatten() == row);
                prop_assert!(
                    is_possible || next.deleted[team],
                    "user {user} in organization {team}: {row:?} after {applied:?}, before {:?}",
                    model.members.get(&(user, team))
                );
                next.members.insert((user, team), row);
            }
        }
        *model = next;
        Ok(())
    }

    async fn check(&self, world: &World, model: &Model) -> Result<(), TestCaseError> {
        let pool = &self.processes[0].pool;
        for number in 0..MANY {
            let person = read(pool, PERSON, &world.user_id(number)).await;
            prop_assert_eq!(&person, &model.people[number], "user {}", number);
            let team = read(pool, S::TEAM, &world.team_id(number)).await;
            let expected = model.teams[number].clone();
            let expected = expected.filter(|row| !(row.2 && S::REMOVES));
            prop_assert_eq!(&team, &expected, "organization {}", number);
        }
        for user in 0..MANY {
            for team in 0..MANY {
                let row = read(pool, MEMBER, &world.key(user, team)).await;
                if model.deleted[team] {
                    // A mark does not change the memberships; a removal removes them.
                    prop_assert!(row.is_none() || !S::REMOVES, "a member of nothing: {row:?}");
                    continue;
                }
                let expected = model.members.get(&(user, team)).cloned().flatten();
                prop_assert_eq!(row, expected, "user {} in organization {}", user, team);
            }
        }
        prop_assert_eq!(pool.number(WRONG_REFERENCES).await, 0);
        Ok(())
    }
}

async fn run<S: Suite>(database: TestDatabase, cases: u32) {
    let run = Run::<S>::start(&database).await;
    histories(cases, || vec(step(), 1..60), run, Run::history).await;
}

macro_rules! on_both_databases {
    ($($name:ident: $suite:ty, $on_postgres:literal and $on_sqlite:literal histories;)+) => {
        $(mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run::<$suite>(TestDatabase::postgres().await, $on_postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run::<$suite>(TestDatabase::sqlite(), $on_sqlite).await;
            }
        })+
    };
}

on_both_databases! {
    rows_of_marked_organizations_hold_the_newest_information: Marks, 100 and 200 histories;
    rows_of_removed_organizations_hold_the_newest_information: Tombstones, 100 and 200 histories;
}
