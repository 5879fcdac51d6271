//! The browsers of the stand-in and their sessions. Clerk calls a browser a client.

use std::collections::BTreeMap;

use serde_json::Value;

use super::random_id::random_id;
use crate::time::Timestamp;

/// The reason why a session is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The front end ended it.
    Ended,
    /// The user signed out.
    Removed,
    /// The server ended it.
    Revoked,
}

impl End {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
        }
    }
}

/// A session that is not over.
#[derive(Clone)]
pub(super) struct LiveSession {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) user_id: String,
    /// The id of the active organization.
    pub(super) organization_id: Option<String>,
    /// The `act` claim, if another person or an agent acts for the user.
    pub(super) actor: Option<Value>,
    /// The user still has to choose an organization.
    pub(super) is_pending: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A sign-in that waits for its first factor.
#[derive(Clone)]
pub(super) struct SignIn {
    pub(super) id: String,
    pub(super) user_id: String,
}

/// A browser.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) sign_in: Option<SignIn>,
    pub(super) last_active_session_id: Option<String>,
    /// When the sessions last changed: `__client_uat`.
    pub(super) sessions_changed_at: Timestamp,
    pub(super) created_at: Timestamp,
}

/// A one-time permission to sign in as a user without a password.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) user_id: String,
    pub(super) actor: Option<Value>,
    pub(super) is_pending: bool,
}

/// The browsers and their sessions.
#[derive(Default)]
pub(super) struct Clients {
    clients: BTreeMap<String, Client>,
    sessions: BTreeMap<String, LiveSession>,
    tickets: BTreeMap<String, Ticket>,
}

impl Clients {
    pub(super) fn get(&self, client_id: &str) -> Option<&Client> {
        self.clients.get(client_id)
    }

    pub(super) fn get_mut(&mut self, client_id: &str) -> Option<&mut Client> {
        self.clients.get_mut(client_id)
    }

    /// Adds a browser. Returns its id.
    pub(super) fn add(&mut self, now: Timestamp) -> String {
        let client = Client {
            id: random_id("client"),
            sign_in: None,
            last_active_session_id: None,
            sessions_changed_at: now,
            created_at: now,
        };
        let id = client.id.clone();
        self.clients.insert(id.clone(), client);
        id
    }

    /// Signs a user in, in a browser. Returns the id of the session.
    pub(super) fn sign_in(&mut self, client_id: &str, ticket: Ticket, now: Timestamp) -> String {
        let session = LiveSession {
            id: random_id("sess"),
            client_id: client_id.to_owned(),
            user_id: ticket.user_id,
            organization_id: None,
            actor: ticket.actor,
            is_pending: ticket.is_pending,
            created_at: now,
            updated_at: now,
        };
        let id = session.id.clone();
        self.sessions.insert(id.clone(), session);
        if let Some(client) = self.clients.get_mut(client_id) {
            client.sign_in = None;
            client.last_active_session_id = Some(id.clone());
            client.sessions_changed_at = now;
        }
        id
    }

    /// Returns a session of this browser.
    pub(super) fn session(&self, client_id: &str, session_id: &str) -> Option<&LiveSession> {
        let session = self.sessions.get(session_id)?;
        (session.client_id == client_id).then_some(session)
    }

    pub(super) fn session_mut(&mut self, client_id: &str, session_id: &str) -> Option<&mut LiveSession> {
        let session = self.sessions.get_mut(session_id)?;
        (session.client_id == client_id).then_some(session)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &LiveSession> {
        self.sessions.values()
    }

    /// Returns the sessions of a browser, oldest first.
    pub(super) fn sessions_of(&self, client_id: &str) -> Vec<LiveSession> {
        let of_client = self
            .sessions
            .values()
            .filter(|session| session.client_id == client_id);
        let mut sessions: Vec<LiveSession> = of_client.cloned().collect();
        sessions.sort_by(|left, right| (left.created_at, &left.id).cmp(&(right.created_at, &right.id)));
        sessions
    }

    /// Ends the sessions that `is_over` selects, and returns them.
    pub(super) fn end(&mut self, now: Timestamp, is_over: impl Fn(&LiveSession) -> bool) -> Vec<LiveSession> {
        let (ended, live) = std::mem::take(&mut self.sessions)
            .into_iter()
            .partition(|(_, session)| is_over(session));
        self.sessions = live;
        let ended: BTreeMap<String, LiveSession> = ended;
        let ended: Vec<LiveSession> = ended.into_values().collect();
        for session in &ended {
            let Some(client) = self.clients.get_mut(&session.client_id) else {
                continue;
            };
            client.sessions_changed_at = now;
            if client.last_active_session_id.as_ref() == Some(&session.id) {
                let mut others = self.sessions.values();
                let other = others.find(|other| other.client_id == session.client_id);
                client.last_active_session_id = other.map(|other| other.id.clone());
            }
        }
        ended
    }

    /// Makes the organization inactive in the sessions that `applies` selects.
    pub(super) fn leave_organization(
        &mut self,
        organization_id: &str,
        applies: impl Fn(&LiveSession) -> bool,
    ) {
        for session in self.sessions.values_mut().filter(|session| applies(session)) {
            if session.organization_id.as_deref() == Some(organization_id) {
                session.organization_id = None;
            }
        }
    }

    pub(super) fn add_ticket(&mut self, ticket: Ticket) -> String {
        let id = random_id("ticket");
        self.tickets.insert(id.clone(), ticket);
        id
    }

    /// Takes a ticket: a second call for the same ticket returns `None`.
    pub(super) fn redeem(&mut self, ticket: &str) -> Option<Ticket> {
        self.tickets.remove(ticket)
    }

    /// Forgets every browser, session and ticket.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn ticket(user_id: &str) -> Ticket {
        Ticket {
            user_id: user_id.to_owned(),
            actor: None,
            is_pending: false,
        }
    }

    #[test]
    fn ended_session_leaves_the_other_one_active() {
        let mut clients = Clients::default();
        let browser = clients.add(NOW);
        let first = clients.sign_in(&browser, ticket("user_ada"), NOW);
        let second = clients.sign_in(&browser, ticket("user_bob"), NOW);
        let elsewhere = clients.add(NOW);
        let third = clients.sign_in(&elsewhere, ticket("user_bob"), NOW);
        assert!(clients.session(&browser, &third).is_none());

        let later = Timestamp::from_secs(NOW.as_secs() + 5);
        let ended = clients.end(later, |session| session.user_id == "user_bob");
        assert_eq!(ended.len(), 2);
        let client = clients.get(&browser).expect("it is known");
        assert_eq!(client.last_active_session_id.as_ref(), Some(&first));
        assert_eq!(client.sessions_changed_at, later);
        assert!(clients.session(&browser, &second).is_none());
        let client = clients.get(&elsewhere).expect("it is known");
        assert_eq!(client.last_active_session_id, None);
    }

    #[test]
    fn ticket_is_accepted_once() {
        let mut clients = Clients::default();
        let id = clients.add_ticket(ticket("user_ada"));
        assert!(clients.redeem(&id).is_some());
        assert!(clients.redeem(&id).is_none());
    }
}
