//! Clerk's side of a history: its state, the steps that change it, and everything that it has sent.

use std::time::Duration;

use clerk_auth::row::VersionSource;
use clerk_auth::sync::Version;
use clerk_auth::testing::{SessionToken, SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth_tests::profiles::issuer;
use clerk_auth_tests::random_hex;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::users::Member;
use super::{Arriving, SECRET};

/// A step of a history. Numbers select among the existing items, modulo their count.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The person changes their name in Clerk, this many milliseconds later; Clerk sends a delivery, which is held
    /// back.
    Rename(u16),
    /// Clerk mints a token at its origin, this many milliseconds later.
    Mint(u16),
    /// Clerk's edge mints a token with the claims of an earlier token of either kind.
    MintAtEdge { token: usize, later: u16 },
    /// Sends a request with one of the tokens minted so far to one of the processes.
    Request { token: usize, process: usize },
    /// Sends an earlier delivery to a process, perhaps again.
    Deliver { delivery: usize, process: usize },
    /// The person deletes their account; Clerk sends a delivery, which is held back.
    Delete,
    /// The application writes its own column.
    AppWrite,
    /// A process ends and another replaces it.
    Restart { process: usize },
    /// A process ends in the middle of a request or a delivery, after this many polls of its future.
    Crash { what: Box<Step>, polls: u8 },
    /// These steps run at once.
    AtOnce(Vec<Step>),
}

pub(super) fn arriving() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<usize>(), 0..2_usize).prop_map(|(token, process)| Step::Request { token, process }),
        3 => (any::<usize>(), 0..2_usize).prop_map(|(delivery, process)| Step::Deliver { delivery, process }),
    ]
}

/// Generates the steps that happen one after another.
pub(super) fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        4 => (0..2_500_u16).prop_map(Step::Rename),
        3 => (0..2_500_u16).prop_map(Step::Mint),
        3 => (any::<usize>(), 0..2_500_u16).prop_map(|(token, later)| Step::MintAtEdge { token, later }),
        // After a minute, sync no longer predicts that a user is new.
        1 => (60_000..62_500_u16).prop_map(Step::Mint),
        12 => arriving(),
        1 => Just(Step::Delete),
        1 => Just(Step::AppWrite),
        1 => (0..2_usize).prop_map(|process| Step::Restart { process }),
        2 => (arriving(), 0..12_u8).prop_map(|(what, polls)| Step::Crash { what: Box::new(what), polls }),
    ]
    .boxed()
}

pub(super) fn step_or_several() -> BoxedStrategy<Step> {
    prop_oneof![
        10 => step(),
        1 => vec(arriving(), 2..6).prop_map(Step::AtOnce),
    ]
    .boxed()
}

/// Clerk's state, and everything that Clerk has sent so far.
pub(super) struct World {
    pub(super) user_id: String,
    pub(super) now: Timestamp,
    pub(super) name: String,
    pub(super) updated_at: Timestamp,
    pub(super) is_deleted: bool,
    pub(super) tokens: Vec<(String, Observation)>,
    pub(super) deliveries: Vec<(SignedDelivery, Observation)>,
}

/// The content of a token or a delivery.
#[derive(Clone, Debug)]
pub(super) enum Observation {
    Name(Version, String),
    Deleted,
}

impl World {
    /// Creates the state after the sign-up of the user, before any event.
    pub(super) fn new() -> Self {
        let user_id = format!("user_{}", random_hex(8));
        let now = Timestamp::from_millis(1_700_000_000_000);
        Self {
            user_id,
            now,
            name: "name 0".to_owned(),
            updated_at: now,
            is_deleted: false,
            tokens: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    pub(super) fn send(&mut self, event_type: &str, data: Value, observation: Observation) {
        let now = SystemClock.now();
        let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
        self.deliveries.push((delivery, observation));
    }

    pub(super) fn send_user(&mut self, event_type: &str) {
        let mut user = user_object(&self.user_id, self.updated_at);
        user["first_name"] = self.name.as_str().into();
        let observation = Observation::Name(Version::from_api(self.updated_at), self.name.clone());
        self.send(event_type, user, observation);
    }

    pub(super) fn rename(&mut self, later: u16) {
        if !self.is_deleted {
            self.now = self.now + Duration::from_millis(u64::from(later) + 1);
            self.updated_at = self.now;
            self.name = format!("name {}", self.deliveries.len());
            self.send_user("user.updated");
        }
    }

    pub(super) fn mint<U: Member>(&mut self, later: u16) {
        if !self.is_deleted {
            self.now = self.now + Duration::from_millis(u64::from(later));
            let token = issuer()
                .token(&self.user_id)
                .claim("name", self.name.as_str())
                .claim("updatedAt", self.updated_at.as_secs());
            let version = match U::VERSION {
                VersionSource::IssuedAt => Version::from_issue(self.now),
                _ => Version::from_token(self.updated_at, self.now),
            };
            let observation = Observation::Name(version, self.name.clone());
            self.push(token, observation);
        }
    }

    /// Mints a token at the edge, which copies only the earlier token, and may not have received a deletion.
    pub(super) fn mint_at_edge(&mut self, token: usize, later: u16) {
        if let Some(token) = token.checked_rem(self.tokens.len()) {
            self.now = self.now + Duration::from_millis(u64::from(later));
            let (earlier, observation) = &self.tokens[token];
            let (token, observation) = (issuer().edge_token(earlier), observation.clone());
            self.push(token, observation);
        }
    }

    fn push(&mut self, token: SessionToken<'_>, observation: Observation) {
        // The token does not expire, like the long-lived tokens of the Backend API.
        let token = token.issued_at(self.now).claim("exp", 4_000_000_000_i64);
        self.tokens.push((token.sign(), observation));
    }

    pub(super) fn delete(&mut self) {
        if !self.is_deleted {
            self.is_deleted = true;
            let data = json!({ "id": self.user_id, "object": "user", "deleted": true });
            self.send("user.deleted", data, Observation::Deleted);
        }
    }
}

impl World {
    pub(super) fn arriving(&self, step: &Step) -> Option<(usize, Arriving, Observation)> {
        match step {
            Step::Request { token, process } => {
                let (token, observation) = self.tokens.get(token.checked_rem(self.tokens.len())?)?;
                Some((*process, Arriving::Token(token.clone()), observation.clone()))
            }
            Step::Deliver { delivery, process } => {
                let (delivery, observation) = self.deliveries.get(delivery % self.deliveries.len())?;
                Some((
                    *process,
                    Arriving::Delivery(Box::new(delivery.clone())),
                    observation.clone(),
                ))
            }
            _ => None,
        }
    }
}
