//! What processes tell each other of who is refused: the payload of a `NOTIFY`.

use crate::clerk::Clerk;
use crate::id::{SessionId, UserId};
use crate::time::Timestamp;
#[cfg(feature = "postgres")]
use crate::token::Refusal;
use crate::token::denied::Denial;

/// A session or a user who is refused from now on, or not any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Notice {
    /// The session has ended.
    Session { id: SessionId, until: Timestamp },
    /// The user is refused, or allowed.
    User { id: UserId, denial: Denial },
}

/// The reasons for which a user is refused; another word than theirs is of a newer version of this library.
#[cfg(feature = "postgres")]
const REASONS: [Refusal; 4] = [
    Refusal::UserBanned,
    Refusal::UserDeleted,
    Refusal::UserDeprovisioned,
    Refusal::UserLocked,
];

/// Stands for no reason.
#[cfg(feature = "postgres")]
const ALLOWED: &str = "allowed";

impl Notice {
    /// The words that [`parse`](Self::parse) reads. An id with a space in it is none of Clerk's and would not come back.
    #[cfg(feature = "postgres")]
    pub(super) fn payload(&self) -> String {
        match self {
            Self::Session { id, until } => format!("session {id} {}", until.milliseconds()),
            Self::User { id, denial } => format!(
                "user {id} {} {} {}",
                denial.version,
                denial.until.milliseconds(),
                denial.refusal.map_or(ALLOWED, |refusal| refusal.code())
            ),
        }
    }

    /// `None` for anything else than [`payload`](Self::payload) writes: any client of the database can notify.
    #[cfg(feature = "postgres")]
    pub(super) fn parse(payload: &str) -> Option<Self> {
        let words: Vec<&str> = payload.split(' ').collect();
        let moment = |word: &str| word.parse().ok().map(Timestamp::from_milliseconds);
        match *words {
            ["session", id, until] => Some(Self::Session {
                id: SessionId::new(id),
                until: moment(until)?,
            }),
            ["user", id, version, until, reason] => Some(Self::User {
                id: UserId::new(id),
                denial: Denial {
                    refusal: match REASONS.iter().find(|refusal| refusal.code() == reason) {
                        Some(refusal) => Some(*refusal),
                        None if reason == ALLOWED => None,
                        None => return None,
                    },
                    version: version.parse().ok()?,
                    until: moment(until)?,
                },
            }),
            _ => None,
        }
    }

    /// Refuses them in this process.
    pub(super) fn take(&self, clerk: &Clerk) {
        match self {
            Self::Session { id, until } => clerk.note_session(id, *until),
            Self::User { id, denial } => clerk.note_user(id, *denial),
        }
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard() {
        let denial = |refusal| Denial {
            refusal,
            version: 7_000,
            until: Timestamp::from_seconds(99),
        };
        let user = |refusal| Notice::User {
            id: UserId::new("user_ada"),
            denial: denial(refusal),
        };
        let session = Notice::Session {
            id: SessionId::new("sess_1"),
            until: Timestamp::from_seconds(5),
        };
        let users = REASONS.map(Some).into_iter().chain([None]).map(user);
        for notice in users.chain([session]) {
            assert_eq!(Notice::parse(&notice.payload()), Some(notice));
        }
    }

    #[test]
    fn what_nobody_told_is_not_heard() {
        for payload in [
            "",
            "session",
            "session sess_1",
            "session sess_1 soon",
            "session sess_1 5 6",
            "user user_ada 7 99000",
            "user user_ada 7 99000 because",
            "user user_ada seven 99000 user_banned",
            "anything",
        ] {
            assert_eq!(Notice::parse(payload), None, "{payload}");
        }
    }
}
