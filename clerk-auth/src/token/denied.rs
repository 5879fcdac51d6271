//! Sessions that have ended while tokens of theirs are still valid.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::id::SessionId;
use crate::time::Timestamp;

/// Ended sessions, each until its last token has expired. Read without a lock; a write copies the map, which is small:
/// it holds what has ended within the lifetime of a token.
#[derive(Debug, Default)]
pub(crate) struct DeniedSessions {
    until: ArcSwap<HashMap<SessionId, Timestamp>>,
    /// Whether there has ever been one: in most processes there has not.
    any: AtomicBool,
}

impl DeniedSessions {
    pub(crate) fn deny(&self, session: &SessionId, until: Timestamp, now: Timestamp) {
        self.until.rcu(|denied| {
            let mut denied: HashMap<_, _> = denied
                .iter()
                .filter(|(_, until)| **until > now)
                .map(|(session, until)| (session.clone(), *until))
                .collect();
            let longest = denied.entry(session.clone()).or_insert(until);
            *longest = until.max(*longest);
            Arc::new(denied)
        });
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn contains(&self, session: &SessionId, now: Timestamp) -> bool {
        self.any.load(Ordering::Acquire) && {
            let denied = self.until.load();
            denied.get(session).is_some_and(|until| *until > now)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_denied_until_its_time_and_then_forgotten() {
        let denied = DeniedSessions::default();
        let [ada, eve] = ["sess_ada", "sess_eve"].map(SessionId::new);
        let at = Timestamp::from_seconds;
        denied.deny(&ada, at(165), at(100));
        // A second, shorter denial does not shorten the first.
        denied.deny(&ada, at(110), at(101));
        for (session, now, expected) in [
            (&ada, 100, true),
            (&ada, 164, true),
            (&ada, 165, false),
            (&eve, 100, false),
        ] {
            assert_eq!(denied.contains(session, at(now)), expected, "{session} at {now}");
        }
        denied.deny(&eve, at(300), at(200));
        assert_eq!(denied.until.load().len(), 1);
    }
}
