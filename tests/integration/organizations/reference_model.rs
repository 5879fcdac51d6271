//! The rows of users, organizations and memberships match the newest information in any order. Random histories on two
//! processes are compared with a model. A history has tokens of the origin and of the edge, deliveries in any order and
//! repeated, ends and returns of memberships, deletions and restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::routing::webhooks;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{SyncError, Version};
use clerk_auth::testing::{SignedDelivery, event, membership_object, organization_object, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::token::Refusal;
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{
    Clerk, MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser,
    UserSync,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::histories::histories;
use clerk_auth_tests::profiles::{Pool, issuer};
use clerk_auth_tests::random_hex;
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Each history has this many users, and as many organizations.
const MANY: usize = 2;

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "people",
    template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#,
    database(postgres, sqlite),
    fresh_for = "0s"
)]
#[expect(dead_code, reason = "the table is looked at")]
struct Person {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    name: Option<String>,
}

/// Deleted organizations keep their row, with a mark.
#[derive(Clone, Debug, SyncedOrganization)]
#[synced_organization(table = "teams", database(postgres, sqlite), fresh_for = "0s")]
#[expect(dead_code, reason = "the table is looked at")]
struct Kept {
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
struct MemberOfKept {
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
struct Removed {
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
struct MemberOfRemoved {
    user_id: i64,
    organization_id: i64,
    role: String,
}

/// The structs of a suite.
trait Suite: Send + Sync + 'static {
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

struct Marks;

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

struct Tombstones;

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

const PERSON: &str =
    "SELECT name, clerk_version, clerk_deleted_at IS NOT NULL FROM people WHERE clerk_id = $1";

const MEMBER: &str =
    "SELECT role, clerk_version, clerk_deleted_at IS NOT NULL FROM team_members WHERE clerk_key = $1";

/// Memberships whose references are not those of their key.
const WRONG_REFERENCES: &str = "SELECT count(*) FROM team_members
    LEFT JOIN people ON people.id = team_members.user_id
    LEFT JOIN teams ON teams.id = team_members.organization_id
    WHERE team_members.clerk_key IS DISTINCT FROM people.clerk_id || ':' || teams.clerk_id";

/// A row of any kind: its text, its version, and whether it is deleted or has ended.
type Row = (String, i64, bool);

async fn read(pool: &Pool, sql: &'static str, key: &str) -> Option<Row> {
    match pool {
        Pool::Postgres(pool) => sqlx::query_as(sql).bind(key).fetch_optional(pool).await,
        Pool::Sqlite(pool) => sqlx::query_as(sql).bind(key).fetch_optional(pool).await,
    }
    .expect("it is read")
}

/// The kind of a row determines its version and its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// The version of a token shows when the user changed; a deletion is final.
    User,
    /// The version of a token is the time at which its claims were read; a deletion is final.
    Organization,
    /// The version is that of an organization; newer information restores what has ended.
    Membership,
}

/// Returns the row after a text of a version was observed.
fn observed(row: Option<Row>, kind: Kind, version: i64, text: &str) -> Option<Row> {
    let Some((stored, at, is_over)) = row else {
        return Some((text.to_owned(), version, false));
    };
    let is_written = match (kind, is_over) {
        (Kind::Membership, true) => version > at,
        (_, true) => false,
        // An unchanged text is recorded only if the version shows a change.
        (Kind::User, false) => version >= at,
        (_, false) => version >= at && stored != text,
    };
    match is_written {
        true => Some((text.to_owned(), version, false)),
        false => Some((stored, at, is_over)),
    }
}

/// Returns the row after an end of a version was observed.
fn ended(row: Option<Row>, version: i64, text: &str) -> Option<Row> {
    match row {
        None => Some((text.to_owned(), version, true)),
        Some((stored, at, is_over)) if at > version => Some((stored, at, is_over)),
        Some((stored, _, _)) => Some((stored, version, true)),
    }
}

/// The reference model: the expected tables after the observations.
#[derive(Clone, Debug, Default)]
struct Model {
    people: [Option<Row>; MANY],
    teams: [Option<Row>; MANY],
    members: BTreeMap<(usize, usize), Option<Row>>,
    /// The latest end that was delivered, of memberships.
    ends: BTreeMap<(usize, usize), i64>,
    /// The organizations whose deletion was delivered.
    deleted: [bool; MANY],
}

/// The content of a token or a delivery.
#[derive(Clone, Debug)]
enum Observation {
    User(usize, Version, String),
    UserDeleted(usize),
    Team(usize, i64, String),
    TeamDeleted(usize),
    /// The organization, and then the membership.
    Member(Active, i64, i64),
    End(Active, i64),
    Token {
        user: (usize, Version, String),
        active: Option<Active>,
        read_at: i64,
    },
}

/// A user in an organization, with the name of the organization and the role.
#[derive(Clone, Debug)]
struct Active {
    user: usize,
    team: usize,
    name: String,
    role: String,
}

/// A step of a history. Numbers select among the existing items, modulo their count.
#[derive(Clone, Debug)]
enum Step {
    RenameUser(usize, u16),
    RenameTeam(usize, u16),
    /// A user joins, or gets another role, or the same role again.
    Join(usize, usize, u16),
    Leave(usize, usize, u16),
    DeleteUser(usize),
    DeleteTeam(usize),
    /// Clerk mints a token at its origin, with a member's organization if `Some`.
    Mint(usize, Option<usize>, u16),
    MintAtEdge(usize, u16),
    Request(usize, usize),
    Deliver(usize, usize),
    Restart(usize),
    /// These requests and deliveries run concurrently.
    AtOnce(Vec<Step>),
}

/// A request or a delivery.
fn arriving() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (any::<usize>(), 0..2_usize).prop_map(|(token, process)| Step::Request(token, process)),
        2 => (any::<usize>(), 0..2_usize).prop_map(|(delivery, process)| Step::Deliver(delivery, process)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let later = || 0..2_500_u16;
    let one = || 0..MANY;
    prop_oneof![
        1 => (one(), later()).prop_map(|(user, later)| Step::RenameUser(user, later)),
        2 => (one(), later()).prop_map(|(team, later)| Step::RenameTeam(team, later)),
        6 => (one(), one(), later()).prop_map(|(user, team, later)| Step::Join(user, team, later)),
        3 => (one(), one(), later()).prop_map(|(user, team, later)| Step::Leave(user, team, later)),
        1 => one().prop_map(Step::DeleteUser),
        1 => one().prop_map(Step::DeleteTeam),
        5 => (one(), prop::option::weighted(0.9, one()), later())
            .prop_map(|(user, team, later)| Step::Mint(user, team, later)),
        3 => (any::<usize>(), later()).prop_map(|(token, later)| Step::MintAtEdge(token, later)),
        10 => (any::<usize>(), 0..2_usize).prop_map(|(token, process)| Step::Request(token, process)),
        14 => (any::<usize>(), 0..2_usize).prop_map(|(delivery, process)| Step::Deliver(delivery, process)),
        1 => (0..2_usize).prop_map(Step::Restart),
        3 => vec(arriving(), 2..4).prop_map(Step::AtOnce),
    ]
}

/// Clerk's state, and everything that Clerk has sent so far.
struct World {
    id: String,
    now: Timestamp,
    /// The name, the time of the last change, and whether it is deleted.
    users: [(String, Timestamp, bool); MANY],
    teams: [(String, Timestamp, bool); MANY],
    members: BTreeMap<(usize, usize), (String, Timestamp)>,
    tokens: Vec<(String, Observation)>,
    deliveries: Vec<(SignedDelivery, Observation)>,
    changes: usize,
}

impl World {
    fn new() -> Self {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let named = |name: &str| (name.to_owned(), now, false);
        Self {
            id: random_hex(8),
            now,
            users: [named("user 0"), named("user 1")],
            teams: [named("team 0"), named("team 1")],
            members: BTreeMap::new(),
            tokens: Vec::new(),
            deliveries: Vec::new(),
            changes: 0,
        }
    }

    fn user_id(&self, user: usize) -> String {
        format!("user_{}{user}", self.id)
    }

    fn team_id(&self, team: usize) -> String {
        format!("org_{}{team}", self.id)
    }

    fn key(&self, user: usize, team: usize) -> String {
        format!("{}:{}", self.user_id(user), self.team_id(team))
    }

    /// Advances the time for a change.
    fn change(&mut self, later: u16) -> usize {
        self.now = self.now + Duration::from_millis(u64::from(later) + 1);
        self.changes += 1;
        self.changes
    }

    fn send(&mut self, kind: &str, data: Value, observation: Observation) {
        let event = event(kind, data, self.now);
        let delivery = SignedDelivery::new(SECRET, &event, SystemClock.now());
        self.deliveries.push((delivery, observation));
    }

    fn send_user(&mut self, user: usize) {
        let (name, updated_at, _) = self.users[user].clone();
        let mut object = user_object(&self.user_id(user), updated_at);
        object["first_name"] = name.as_str().into();
        let observation = Observation::User(user, Version::from_api(updated_at), name);
        self.send("user.updated", object, observation);
    }

    fn team_object(&self, team: usize) -> Value {
        let (name, updated_at, _) = &self.teams[team];
        let mut object = organization_object(&self.team_id(team), *updated_at);
        object["name"] = name.as_str().into();
        object
    }

    fn send_team(&mut self, team: usize) {
        let (name, updated_at, _) = self.teams[team].clone();
        let observation = Observation::Team(team, updated_at.as_millis(), name);
        self.send("organization.updated", self.team_object(team), observation);
    }

    fn send_member(&mut self, kind: &str, user: usize, team: usize, role: &str, updated_at: Timestamp) {
        let mut object = membership_object(&self.user_id(user), &self.team_id(team), role, updated_at);
        object["organization"] = self.team_object(team);
        let (name, team_updated_at, _) = self.teams[team].clone();
        let active = Active {
            user,
            team,
            name,
            role: role.to_owned(),
        };
        let observation = match kind {
            "deleted" => Observation::End(active, self.now.max(updated_at).as_millis()),
            _ => Observation::Member(active, team_updated_at.as_millis(), updated_at.as_millis()),
        };
        self.send(&format!("organizationMembership.{kind}"), object, observation);
    }

    fn mint(&mut self, user: usize, team: Option<usize>, later: u16) {
        if self.users[user].2 {
            return;
        }
        self.now = self.now + Duration::from_millis(u64::from(later));
        let (name, updated_at, _) = self.users[user].clone();
        let mut token = issuer()
            .token(&self.user_id(user))
            .claim("name", name.as_str())
            .claim("updatedAt", updated_at.as_secs());
        let member = team.and_then(|team| Some((team, self.members.get(&(user, team))?.0.clone())));
        let active = member.map(|(team, role)| Active {
            user,
            team,
            name: self.teams[team].0.clone(),
            role,
        });
        if let Some(active) = &active {
            token = token
                .organization(&self.team_id(active.team), &active.role)
                .organization_template(Kept::TEMPLATE, &self.team_object(active.team))
                .claim("orgRole", active.role.as_str());
        }
        let observation = Observation::Token {
            user: (user, Version::from_token(updated_at, self.now), name),
            active,
            read_at: Version::from_issue(self.now).as_millis(),
        };
        let token = token.issued_at(self.now).claim("exp", 4_000_000_000_i64).sign();
        self.tokens.push((token, observation));
    }

    fn mint_at_edge(&mut self, token: usize, later: u16) {
        if let Some(token) = token.checked_rem(self.tokens.len()) {
            self.now = self.now + Duration::from_millis(u64::from(later));
            let (earlier, observation) = &self.tokens[token];
            let token = issuer().edge_token(earlier).issued_at(self.now);
            self.tokens
                .push((token.claim("exp", 4_000_000_000_i64).sign(), observation.clone()));
        }
    }

    /// Changes Clerk's state; the deliveries are held back.
    fn happen(&mut self, step: &Step) {
        match *step {
            Step::RenameUser(user, later) if !self.users[user].2 => {
                let name = format!("user {}", self.change(later));
                self.users[user] = (name, self.now, false);
                self.send_user(user);
            }
            Step::RenameTeam(team, later) if !self.teams[team].2 => {
                let name = format!("team {}", self.change(later));
                self.teams[team] = (name, self.now, false);
                self.send_team(team);
            }
            Step::Join(user, team, later) if !self.users[user].2 && !self.teams[team].2 => {
                let change = self.change(later);
                let role = format!("org:role{}", change % 3);
                let known = self.members.insert((user, team), (role.clone(), self.now));
                let kind = if known.is_some() { "updated" } else { "created" };
                self.send_member(kind, user, team, &role, self.now);
            }
            Step::Leave(user, team, later) => {
                if let Some((role, updated_at)) = self.members.remove(&(user, team)) {
                    self.change(later);
                    self.send_member("deleted", user, team, &role, updated_at);
                }
            }
            Step::DeleteUser(user) if !self.users[user].2 => {
                self.users[user].2 = true;
                self.members.retain(|(member, _), _| *member != user);
                let data = json!({ "id": self.user_id(user), "object": "user", "deleted": true });
                self.send("user.deleted", data, Observation::UserDeleted(user));
            }
            Step::DeleteTeam(team) if !self.teams[team].2 => {
                self.change(0);
                self.teams[team].2 = true;
                self.members.retain(|(_, its), _| *its != team);
                let data = json!({ "id": self.team_id(team), "object": "organization", "deleted": true });
                self.send("organization.deleted", data, Observation::TeamDeleted(team));
            }
            Step::Mint(user, team, later) => self.mint(user, team, later),
            Step::MintAtEdge(token, later) => self.mint_at_edge(token, later),
            _ => {}
        }
    }
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

impl Model {
    /// Observes a delivery.
    fn observe<S: Suite>(&mut self, observation: &Observation) {
        match observation {
            Observation::User(user, version, name) => {
                let row = self.people[*user].take();
                self.people[*user] = observed(row, Kind::User, version.as_millis(), name);
            }
            Observation::UserDeleted(user) => {
                if let Some(row) = &mut self.people[*user] {
                    row.2 = true;
                }
            }
            Observation::Team(team, version, name) => self.observe_team(*team, *version, name),
            Observation::TeamDeleted(team) => {
                self.deleted[*team] = true;
                if let Some(row) = &mut self.teams[*team] {
                    row.2 = true;
                }
            }
            Observation::Member(active, team_version, version) => {
                self.observe_team(active.team, *team_version, &active.name);
                let row = self.members.entry((active.user, active.team)).or_default();
                *row = observed(row.take(), Kind::Membership, *version, &active.role);
            }
            Observation::End(active, version) => {
                let key = (active.user, active.team);
                let row = self.members.entry(key).or_default();
                *row = ended(row.take(), *version, &active.role);
                let end = self.ends.entry(key).or_insert(*version);
                *end = (*end).max(*version);
            }
            Observation::Token {
                user,
                active,
                read_at,
            } => {
                let (number, version, name) = user;
                let row = self.people[*number].take();
                self.people[*number] = observed(row, Kind::User, version.as_millis(), name);
                if let Some(active) = active {
                    self.observe_team(active.team, *read_at, &active.name);
                    let row = self.members.entry((active.user, active.team)).or_default();
                    *row = observed(row.take(), Kind::Membership, *read_at, &active.role);
                }
            }
        }
    }

    fn observe_team(&mut self, team: usize, version: i64, name: &str) {
        let row = self.teams[team].take();
        self.teams[team] = observed(row, Kind::Organization, version, name);
    }
}

/// Collects the models after these observations in every order. The last model has all of them.
fn orders<S: Suite>(model: Model, left: &[(Observation, bool)], possible: &mut Vec<Model>) {
    for place in 0..left.len() {
        let mut rest = left.to_vec();
        let (observation, is_optional) = rest.remove(place);
        if is_optional {
            orders::<S>(model.clone(), &rest, possible);
        }
        let mut next = model.clone();
        next.observe::<S>(&observation);
        orders::<S>(next, &rest, possible);
    }
    if left.is_empty() {
        possible.push(model);
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
