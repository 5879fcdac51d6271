//! The deny list: users and sessions that are refused although their tokens have not expired.
//!
//! A session token is valid by itself until it expires. Clerk's later decisions (a ban, a deletion, the end of a
//! session) reach this library as events, and the deny list carries them to the requests. The rules:
//!
//! - **The newest event wins.** A [`Denial`] either bars a user or a session, or admits a user again. Denials of one
//!   subject are ordered by the version of the event (`updated_at`), then by the time of the event. At equal order the
//!   one that bars wins. So duplicates, late deliveries and any order of arrival end in the same state.
//! - **A denial bars every token of its subject,** whatever the age of the token. Clerk mints no token for a barred
//!   subject, so only a newer event admits the subject again.
//! - **A denial lives for a fixed time L** ([`DENIAL_LIFETIME`], 28 hours by default, a lockout until its end). The
//!   verifier refuses a token whose life (`exp` less the time at which its claims were read) exceeds L. So once a
//!   denial is dropped, the tokens of before it have expired. Svix gives up on a delivery after 27 hours and 35
//!   minutes, so an old event cannot arrive after the newer one is dropped.
//! - **Memory is bounded.** If more than [`MAX_DENIALS`] live at once, the oldest is dropped. From then on every token
//!   whose claims were read before the dropped denial was recorded is refused: a full list never admits a denied
//!   subject.
//! - **A lookup takes no lock and no allocation.** While there has never been a denial, a lookup is one atomic load.
//!   Recording a denial takes constant time except for the order of age, which is a tree.
//!
//! With a database, its table of denials is the authority. `sync` writes each event there, and reads the table at
//! start-up and whenever a notification or a passed second indicates a change. A notification decides nothing. A
//! process without a database holds only the denials from [`Clerk::deny_session`](crate::Clerk::deny_session), and
//! loses them at exit.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::id::{SessionId, UserId};
use crate::session::Session;
use crate::time::Timestamp;
use crate::token::Refusal;

/// How long a denial lives, and the longest life of a token that is accepted: longer than Svix retries a delivery (27 hours
/// and 35 minutes after the first attempt, its documentation, "Retries").
pub(crate) const DENIAL_LIFETIME: Duration = Duration::from_secs(28 * 60 * 60);

/// The most denials that are kept at once. Each takes about 200 bytes, so 13 MB.
pub(crate) const MAX_DENIALS: usize = 65_536;

/// Denials that share a bucket are copied together when one of them changes. A power of two.
const BUCKETS: usize = 8_192;

/// For how long the denials that were read last count as current: a read a second, the time for its answer, and a margin.
const CURRENT_FOR: Duration = Duration::from_secs(5);

/// The denied user or session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    Session(SessionId),
    User(UserId),
}

/// The kinds of subjects: ids of one kind are unique.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Kind {
    Session,
    User,
}

impl Subject {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Session(_) => Kind::Session,
            Self::User(_) => Kind::User,
        }
    }

    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Session(id) => id.as_str(),
            Self::User(id) => id.as_str(),
        }
    }
}

/// The effect of an event on a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Denial {
    pub(crate) subject: Subject,
    /// Why the subject is barred; `None` admits it again.
    pub(crate) refusal: Option<Refusal>,
    /// The version of the event's content: `updated_at` in milliseconds; `i64::MAX` for a denial that is never lifted.
    pub(crate) version: i64,
    /// When the event happened.
    pub(crate) happened_at: Timestamp,
    /// When the denial is forgotten.
    pub(crate) expires_at: Timestamp,
}

impl Denial {
    /// Of two denials of one subject the greater wins.
    fn order(&self) -> (i64, Timestamp, bool) {
        (self.version, self.happened_at, self.refusal.is_some())
    }

    /// Returns whether this denial replaces a recorded one. A second delivery of the same event may prolong the denial.
    fn supersedes(&self, known: &Self) -> bool {
        (self.order(), self.expires_at) > (known.order(), known.expires_at)
    }
}

/// The denials of one Clerk instance in this process.
pub(crate) struct DenyList {
    lifetime: Duration,
    most: usize,
    /// Absent until the first denial: in most processes there is never one.
    buckets: OnceLock<Box<[ArcSwapOption<Vec<Entry>>]>>,
    hasher: RandomState,
    /// Held by writers alone.
    ages: Mutex<Ages>,
    /// Tokens whose claims were read at this moment or before are refused, in milliseconds.
    floor: AtomicI64,
    currency: Currency,
}

#[derive(Clone)]
struct Entry {
    denial: Denial,
    age: Age,
}

/// The order in which denials are dropped: those that admit first, then the oldest. The number makes it unique.
type Age = (bool, Timestamp, u64);

#[derive(Default)]
struct Ages {
    /// Kind and id of each denial.
    subjects: BTreeMap<Age, (Kind, Box<str>)>,
    next: u64,
}

impl DenyList {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self::with_capacity(lifetime, MAX_DENIALS)
    }

    fn with_capacity(lifetime: Duration, most: usize) -> Self {
        Self {
            lifetime,
            most,
            buckets: OnceLock::new(),
            hasher: RandomState::new(),
            ages: Mutex::default(),
            floor: AtomicI64::new(i64::MIN),
            currency: Currency::new(),
        }
    }

    /// How long a denial lives.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Why the tokens of a session are refused, if they are.
    pub(crate) fn check(&self, session: &Session, now: Timestamp) -> Result<(), Refusal> {
        if self.buckets.get().is_none() {
            return Ok(());
        }
        let refusal = self.refusal(Kind::Session, session.sid(), now);
        if let Some(refusal) = refusal.or_else(|| self.refusal(Kind::User, session.sub(), now)) {
            return Err(refusal);
        }
        if session.claims_read_at().milliseconds() <= self.floor.load(Ordering::Acquire) {
            return Err(Refusal::ClaimsTooOld);
        }
        Ok(())
    }

    /// Why a subject is refused, if it is.
    pub(crate) fn refusal(&self, kind: Kind, id: &str, now: Timestamp) -> Option<Refusal> {
        let bucket = self.bucket(self.buckets.get()?, kind, id).load();
        let entry = find(bucket.as_deref()?, kind, id)?;
        entry.denial.refusal.filter(|_| entry.denial.expires_at > now)
    }

    /// Returns whether a denial or an admission of a subject is recorded.
    pub(crate) fn knows(&self, kind: Kind, id: &str) -> bool {
        let Some(buckets) = self.buckets.get() else {
            return false;
        };
        let bucket = self.bucket(buckets, kind, id).load();
        bucket
            .as_deref()
            .is_some_and(|entries| find(entries, kind, id).is_some())
    }

    /// Records a denial unless a newer one of its subject is known. `recorded_at` is when it was first recorded anywhere.
    pub(crate) fn record(&self, denial: Denial, recorded_at: Timestamp, now: Timestamp) {
        if denial.expires_at <= now {
            return;
        }
        let buckets = self
            .buckets
            .get_or_init(|| (0..BUCKETS).map(|_| ArcSwapOption::empty()).collect());
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, id) = (denial.subject.kind(), Box::<str>::from(denial.subject.id()));
        let bucket = self.bucket(buckets, kind, &id);
        let mut entries = bucket.load().as_deref().cloned().unwrap_or_default();
        if let Some(known) = find(&entries, kind, &id) {
            if known.denial.expires_at > now && !denial.supersedes(&known.denial) {
                return;
            }
            let age = known.age;
            ages.subjects.remove(&age);
            entries.retain(|entry| entry.age != age);
        }
        let age = (denial.refusal.is_some(), recorded_at, ages.next);
        ages.next += 1;
        entries.push(Entry { denial, age });
        bucket.store(Some(Arc::new(entries)));
        ages.subjects.insert(age, (kind, id));
        self.forget_expired(buckets, &mut ages, now);
        while ages.subjects.len() > self.most {
            let Some((age @ (bars, recorded_at, _), subject)) = ages.subjects.pop_first() else {
                return;
            };
            // Before the denial goes, so that no request finds neither.
            if bars {
                self.floor.fetch_max(recorded_at.milliseconds(), Ordering::AcqRel);
            }
            self.remove(buckets, age, &subject);
        }
    }

    /// Drops expired denials, only from the ends of the order of age, which is nearly that of expiry. An expired denial
    /// that stays behind is dropped at its turn, and bars no token meanwhile.
    fn forget_expired(&self, buckets: &[ArcSwapOption<Vec<Entry>>], ages: &mut Ages, now: Timestamp) {
        for bars in [false, true] {
            loop {
                let from = (bars, Timestamp::from_milliseconds(i64::MIN), 0);
                let Some((&age, (kind, id))) = ages.subjects.range(from..).next() else {
                    break;
                };
                let bucket = self.bucket(buckets, *kind, id).load();
                let entry = bucket.as_deref().and_then(|entries| find(entries, *kind, id));
                if age.0 != bars || entry.is_some_and(|entry| entry.denial.expires_at > now) {
                    break;
                }
                if let Some(subject) = ages.subjects.remove(&age) {
                    self.remove(buckets, age, &subject);
                }
            }
        }
    }

    fn remove(&self, buckets: &[ArcSwapOption<Vec<Entry>>], age: Age, (kind, id): &(Kind, Box<str>)) {
        let bucket = self.bucket(buckets, *kind, id);
        let mut entries = bucket.load().as_deref().cloned().unwrap_or_default();
        entries.retain(|entry| entry.age != age);
        bucket.store((!entries.is_empty()).then(|| Arc::new(entries)));
    }

    fn bucket<'b>(
        &self,
        buckets: &'b [ArcSwapOption<Vec<Entry>>],
        kind: Kind,
        id: &str,
    ) -> &'b ArcSwapOption<Vec<Entry>> {
        // A prefix of the hash is as good as all of it.
        let hash = self.hasher.hash_one((kind, id)) as usize;
        &buckets[hash % BUCKETS]
    }

    /// Returns the tracker of how current the copy of the database's denials is.
    pub(crate) fn currency(&self) -> &Currency {
        &self.currency
    }
}

fn find<'e>(entries: &'e [Entry], kind: Kind, id: &str) -> Option<&'e Entry> {
    entries
        .iter()
        .find(|entry| entry.denial.subject.kind() == kind && entry.denial.subject.id() == id)
}

/// When the denials of the database were last known to be read.
pub(crate) struct Currency {
    is_required: AtomicBool,
    started: Instant,
    /// Milliseconds from the start; -1 before the first time.
    last: AtomicI64,
}

impl Currency {
    fn new() -> Self {
        Self {
            is_required: AtomicBool::new(false),
            started: Instant::now(),
            last: AtomicI64::new(-1),
        }
    }

    /// Sessions are refused from now on while the denials are not current.
    pub(crate) fn require(&self) {
        self.is_required.store(true, Ordering::Release);
    }

    /// Everything that the database held a moment ago has been read.
    pub(crate) fn renew(&self) {
        self.last.store(self.elapsed(), Ordering::Release);
    }

    /// False if currency is required and lost.
    pub(crate) fn suffices(&self) -> bool {
        if !self.is_required.load(Ordering::Acquire) {
            return true;
        }
        let last = self.last.load(Ordering::Acquire);
        let age = self.elapsed().saturating_sub(last);
        last >= 0 && u128::try_from(age).is_ok_and(|age| age <= CURRENT_FOR.as_millis())
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests;
