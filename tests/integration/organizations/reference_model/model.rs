//! The reference model: the expected rows after observed tokens and deliveries.

use std::collections::BTreeMap;

use super::MANY;
use super::suites::Suite;
use super::world::Observation;

/// A row of any kind: its text, its version, and whether it is deleted or has ended.
pub(super) type Row = (String, i64, bool);

/// The kind of a row determines its version and its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The version of a token shows when the user changed; a deletion is final.
    User,
    /// The version of a token is the time at which its claims were read; a deletion is final.
    Organization,
    /// The version is that of an organization; newer information restores what has ended.
    Membership,
}

/// Returns the row after a text of a version was observed.
pub(super) fn observed(row: Option<Row>, kind: Kind, version: i64, text: &str) -> Option<Row> {
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
pub(super) fn ended(row: Option<Row>, version: i64, text: &str) -> Option<Row> {
    match row {
        None => Some((text.to_owned(), version, true)),
        Some((stored, at, is_over)) if at > version => Some((stored, at, is_over)),
        Some((stored, _, _)) => Some((stored, version, true)),
    }
}

/// The reference model: the expected tables after the observations.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) people: [Option<Row>; MANY],
    pub(super) teams: [Option<Row>; MANY],
    pub(super) members: BTreeMap<(usize, usize), Option<Row>>,
    /// The latest end that was delivered, of memberships.
    pub(super) ends: BTreeMap<(usize, usize), i64>,
    /// The organizations whose deletion was delivered.
    pub(super) deleted: [bool; MANY],
}

impl Model {
    /// Observes a delivery.
    pub(super) fn observe<S: Suite>(&mut self, observation: &Observation) {
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
pub(super) fn orders<S: Suite>(model: Model, left: &[(Observation, bool)], possible: &mut Vec<Model>) {
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
