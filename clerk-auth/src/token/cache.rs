//! Caches verified tokens that have not expired, so that the RSA operation runs once per token, not once per request.
//!
//! The conditions outside the token's own bytes are checked again on each use: the clock, and whether the instance
//! still publishes the key.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::key::VerifyingKey;
use crate::session::Session;

/// The size of the cache in bytes; about 6,000 tokens of the usual size.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// The size of an entry besides its token, in bytes. Every entry counts at least this much, which also bounds the
/// number of entries.
const OVERHEAD: u64 = 1_024;

/// The number of bytes at a token's end that are hashed: 96 bits of its signature.
const HASHED: usize = 16;

/// A session and the key that verified it.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedToken {
    pub(crate) session: Session,
    pub(crate) key: Arc<VerifyingKey>,
}

/// The cache of verified tokens. Tokens are looked up by a seeded hash and compared byte for byte. A caller cannot
/// choose the cache's content, because a token is cached only after its signature has been verified.
#[derive(Debug)]
pub(crate) struct VerifiedTokens(Cache<Token, VerifiedToken, Weight>);

/// A token as a key. Only the end of the signature is hashed, which is practically random in verified tokens.
#[derive(Debug, Eq, PartialEq)]
struct Token(Box<[u8]>);

/// A borrowed token for a lookup, with the hash of [`Token`].
struct Sought<'a>(&'a [u8]);

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let end = &self.0[self.0.len().saturating_sub(HASHED)..];
        state.write(end);
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Sought(&self.0).hash(state);
    }
}

impl Equivalent<Token> for Sought<'_> {
    fn equivalent(&self, token: &Token) -> bool {
        *self.0 == *token.0
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Token, VerifiedToken> for Weight {
    /// The parsed claims take about as much memory as the token.
    fn weight(&self, token: &Token, _: &VerifiedToken) -> u64 {
        OVERHEAD + 2 * token.0.len() as u64
    }
}

impl VerifiedTokens {
    pub(crate) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: u64) -> Self {
        let entries = usize::try_from(capacity / (3 * OVERHEAD)).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(entries, capacity, Weight))
    }

    pub(crate) fn get(&self, token: &[u8]) -> Option<VerifiedToken> {
        self.0.get(&Sought(token))
    }

    pub(crate) fn insert(&self, token: &[u8], verified: VerifiedToken) {
        self.0.insert(Token(token.into()), verified);
    }

    pub(crate) fn remove(&self, token: &[u8]) {
        self.0.remove(&Sought(token));
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::hash::BuildHasher;

    use super::*;
    use crate::session::{Payload, StandardClaims};
    use crate::testing::Issuer;
    use crate::time::Timestamp;

    fn verified() -> VerifiedToken {
        let issuer = Issuer::new("https://clerk.example.com");
        let claims = issuer.claims("user_ada", Timestamp::from_secs(1_700_000_000));
        let payload = serde_json::to_string(&claims).expect("JSON");
        let claims = Payload::parse(&payload).expect("an object");
        let claims = StandardClaims::read(&claims, None).expect("the issuer's claims are right");
        VerifiedToken {
            session: Session::new(claims, payload),
            key: Arc::new(VerifyingKey::from_pem(&issuer.public_key_pem()).expect("the issuer's key")),
        }
    }

    #[test]
    fn cache_size_is_bounded() {
        let verified = verified();
        let capacity = 256 * 1024;
        let tokens = VerifiedTokens::with_capacity(capacity);
        for number in 0..5_000 {
            let token = format!("{number}{}", "x".repeat(number % 8_000));
            tokens.insert(token.as_bytes(), verified.clone());
            assert!(tokens.0.weight() <= capacity, "after {number}");
        }
        assert!(tokens.0.len() as u64 <= capacity / OVERHEAD);
        assert!(!tokens.0.is_empty());
    }

    #[test]
    fn token_and_its_claims_count_toward_the_bound() {
        let verified = verified();
        let capacity = 256 * 1024;
        let tokens = VerifiedTokens::with_capacity(capacity);
        for number in 0..100 {
            let token = format!("{number:08000}");
            tokens.insert(token.as_bytes(), verified.clone());
        }
        assert!(
            tokens.0.len() as u64 * 2 * 8_000 <= capacity,
            "{}",
            tokens.0.len()
        );
    }

    #[test]
    fn removed_token_is_not_found() {
        let tokens = VerifiedTokens::new();
        tokens.insert(b"one", verified());
        tokens.insert(b"two", verified());
        tokens.remove(b"one");
        assert!(tokens.get(b"one").is_none());
        assert!(tokens.get(b"two").is_some());
    }

    /// If all tokens had the same hash, a lookup would compare all of them.
    #[test]
    fn tokens_differ_in_their_hashes() {
        let hasher = std::hash::RandomState::new();
        let hashes: std::collections::HashSet<_> = (0..100)
            .map(|number| hasher.hash_one(Sought(format!("same start {number:016}").as_bytes())))
            .collect();
        assert_eq!(hashes.len(), 100);
        let token = Token(b"a token".as_slice().into());
        assert_eq!(hasher.hash_one(&token), hasher.hash_one(Sought(b"a token")));
    }
}
