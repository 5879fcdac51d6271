//! Clerk's side of a history: its state, the steps that change it, and everything that it has sent.

use std::collections::BTreeMap;
use std::time::Duration;

use clerk_auth::SyncedRow;
use clerk_auth::sync::Version;
use clerk_auth::testing::{SignedDelivery, event, membership_object, organization_object, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth_tests::profiles::issuer;
use clerk_auth_tests::random_hex;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::suites::Kept;
use super::{MANY, SECRET};

/// The content of a token or a delivery.
#[derive(Clone, Debug)]
pub(super) enum Observation {
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
pub(super) struct Active {
    pub(super) user: usize,
    pub(super) team: usize,
    pub(super) name: String,
    pub(super) role: String,
}

/// A step of a history. Numbers select among the existing items, modulo their count.
#[derive(Clone, Debug)]
pub(super) enum Step {
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

pub(super) fn step() -> impl Strategy<Value = Step> {
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
pub(super) struct World {
    pub(super) id: String,
    pub(super) now: Timestamp,
    /// The name, the time of the last change, and whether it is deleted.
    pub(super) users: [(String, Timestamp, bool); MANY],
    pub(super) teams: [(String, Timestamp, bool); MANY],
    pub(super) members: BTreeMap<(usize, usize), (String, Timestamp)>,
    pub(super) tokens: Vec<(String, Observation)>,
    pub(super) deliveries: Vec<(SignedDelivery, Observation)>,
    pub(super) changes: usize,
}

impl World {
    pub(super) fn new() -> Self {
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

    pub(super) fn user_id(&self, user: usize) -> String {
        format!("user_{}{user}", self.id)
    }

    pub(super) fn team_id(&self, team: usize) -> String {
        format!("org_{}{team}", self.id)
    }

    pub(super) fn key(&self, user: usize, team: usize) -> String {
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

    pub(super) fn send_user(&mut self, user: usize) {
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

    pub(super) fn send_team(&mut self, team: usize) {
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
    pub(super) fn happen(&mut self, step: &Step) {
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
