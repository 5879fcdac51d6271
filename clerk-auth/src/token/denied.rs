//! Sessions and users who are refused although their tokens have not expired.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::refusal::Refusal;
use crate::time::Timestamp;

/// The most that are remembered at once; of more, those who are not refused any more are forgotten first, and then those
/// whose time ends first. Only Clerk's signed webhooks and the application itself add any, and each goes after its time.
const MOST: usize = 20_000;

/// Those who are refused, each for a time. Read without a lock; a write copies the map, which is small: it holds what has
/// ended within the lifetime of a token, and the users whom Clerk has barred.
#[derive(Debug)]
pub(crate) struct Denied<K> {
    denials: ArcSwap<HashMap<K, Denial>>,
    /// Whether there has ever been one: in most processes there has not.
    any: AtomicBool,
}

/// What is known of one of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Denial {
    /// Why they are refused; `None` if they are not any more, which is remembered lest an older word arrive late.
    pub(crate) refusal: Option<Refusal>,
    /// Which word is the last, in milliseconds.
    pub(crate) version: i64,
    pub(crate) until: Timestamp,
}

impl<K> Default for Denied<K> {
    fn default() -> Self {
        Self {
            denials: ArcSwap::default(),
            any: AtomicBool::new(false),
        }
    }
}

impl<K: Clone + Eq + Hash> Denied<K> {
    /// Takes note, unless something newer is known. Of two equally new words the one that lasts longer holds.
    pub(crate) fn note(&self, key: &K, denial: Denial, now: Timestamp) {
        self.denials.rcu(|denials| {
            let mut denials: HashMap<K, Denial> = denials
                .iter()
                .filter(|(_, known)| known.until > now)
                .map(|(key, known)| (key.clone(), *known))
                .collect();
            let last = denials.entry(key.clone()).or_insert(denial);
            if (denial.version, denial.until) > (last.version, last.until) {
                *last = denial;
            }
            if denials.len() > MOST
                && let Some(first) = denials
                    .iter()
                    .min_by_key(|(_, known)| (known.refusal.is_some(), known.until))
                    .map(|(key, _)| key.clone())
            {
                denials.remove(&first);
            }
            Arc::new(denials)
        });
        self.any.store(true, Ordering::Release);
    }

    /// Why they are refused, if they are.
    pub(crate) fn refusal<Q>(&self, key: &Q, now: Timestamp) -> Option<Refusal>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let denials = self.denials.load();
        let known = denials.get(key).filter(|known| known.until > now)?;
        known.refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SessionId;

    fn denial(refusal: Option<Refusal>, version: i64, until: i64) -> Denial {
        Denial {
            refusal,
            version,
            until: Timestamp::from_seconds(until),
        }
    }

    #[test]
    fn a_session_is_denied_until_its_time_and_then_forgotten() {
        let denied = Denied::default();
        let [ada, eve] = ["sess_ada", "sess_eve"].map(SessionId::new);
        let at = Timestamp::from_seconds;
        let ended = Some(Refusal::SessionEnded);
        denied.note(&ada, denial(ended, 0, 165), at(100));
        // A second, shorter denial does not shorten the first.
        denied.note(&ada, denial(ended, 0, 110), at(101));
        for (session, now, expected) in [
            (&ada, 100, ended),
            (&ada, 164, ended),
            (&ada, 165, None),
            (&eve, 100, None),
        ] {
            assert_eq!(denied.refusal(session, at(now)), expected, "{session} at {now}");
        }
        denied.note(&eve, denial(ended, 0, 300), at(200));
        assert_eq!(denied.denials.load().len(), 1);
    }

    #[test]
    fn the_newest_word_holds_in_whatever_order_words_come() {
        let banned = denial(Some(Refusal::UserBanned), 7, 500);
        let allowed = denial(None, 9, 300);
        let locked = denial(Some(Refusal::UserLocked), 8, 900);
        for order in [
            [banned, allowed, locked],
            [allowed, locked, banned],
            [locked, banned, allowed],
        ] {
            let denied = Denied::<&str>::default();
            for denial in order {
                denied.note(&"user_ada", denial, Timestamp::from_seconds(100));
            }
            assert_eq!(denied.refusal("user_ada", Timestamp::from_seconds(200)), None);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let denied = Denied::<i64>::default();
        // Nothing but the bound is under test; a map of that size copied as often would take a while.
        let many = (0..20_000).map(|id| (id, denial(Some(Refusal::UserDeleted), 0, 1_000 + id)));
        denied.denials.store(Arc::new(many.collect()));
        let now = Timestamp::from_seconds(100);
        denied.note(&-1, denial(Some(Refusal::UserDeleted), 0, 5_000), now);
        assert_eq!(denied.denials.load().len(), MOST);
        assert_eq!(denied.refusal(&0, now), None, "it would have ended first");
        assert_eq!(denied.refusal(&-1, now), Some(Refusal::UserDeleted));
        // Whoever may sign in crowds out nobody who may not.
        denied.note(&-2, denial(None, 0, 9_000), now);
        assert_eq!(denied.refusal(&1, now), Some(Refusal::UserDeleted));
    }
}
