//! An issuer of session tokens, with its own key.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::clerk::Clerk;
use crate::time::Timestamp;

/// A stand-in for a Clerk instance: an RSA key, and tokens signed with it.
///
/// ```
/// use axum::http::{HeaderMap, header::AUTHORIZATION};
/// use clerk_auth::testing::Issuer;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let issuer = Issuer::new("https://clerk.example.com");
/// let token = issuer.token("user_ada").sign();
/// let mut headers = HeaderMap::new();
/// headers.insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
/// assert_eq!(issuer.clerk().authenticate(&headers).await?.user_id().as_str(), "user_ada");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Issuer {
    url: Box<str>,
    key_id: Box<str>,
    key: KeyPair,
}

impl Issuer {
    /// Creates an issuer with a new RSA key of 2048 bits. Its tokens have the `url` as `iss`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            key_id: "ins_testing".into(),
            key: KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be generated"),
        }
    }

    /// Changes the key id, for tests of key rotation.
    #[must_use]
    pub fn with_key_id(mut self, key_id: &str) -> Self {
        self.key_id = key_id.into();
        self
    }

    /// Returns the `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Builds a handle that accepts only this issuer's tokens. For authorized parties or another clock, use
    /// [`Clerk::builder`], [`url`](Self::url) and [`public_key_pem`](Self::public_key_pem).
    pub fn clerk(&self) -> Clerk {
        Clerk::builder()
            .issuer(self.url())
            .jwt_key(self.public_key_pem())
            .build()
            .expect("the issuer's own URL and key are right")
    }

    /// Returns the public key in PEM.
    pub fn public_key_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().expect("an RSA key has a DER form");
        let encoded = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = (0..encoded.len())
            .step_by(64)
            .map(|at| &encoded[at..encoded.len().min(at + 64)])
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// Returns the public key as a JWKS document.
    pub fn jwks(&self) -> Value {
        let key = self.key.public_key();
        json!({
            "keys": [{
                "use": "sig",
                "kty": "RSA",
                "kid": self.key_id,
                "alg": "RS256",
                "n": URL_SAFE_NO_PAD.encode(key.modulus().big_endian_without_leading_zero()),
                "e": URL_SAFE_NO_PAD.encode(key.exponent().big_endian_without_leading_zero()),
            }]
        })
    }

    /// Returns the standard claims of a session token that is minted `now` and, like Clerk's tokens, lives for 60
    /// seconds.
    pub fn claims(&self, user_id: &str, now: Timestamp) -> Map<String, Value> {
        let issued_at = now.as_secs();
        let claims = json!({
            "exp": issued_at + 60,
            "fva": [0, -1],
            "iat": issued_at,
            "iss": self.url,
            "nbf": issued_at - 10,
            "sid": format!("sess_{}", user_id.strip_prefix("user_").unwrap_or(user_id)),
            "sts": "active",
            "sub": user_id,
            "v": 2,
        });
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }

    /// Signs a token with these claims, and the header of a token of Clerk's origin: `oiat` is `iat`.
    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        let issued_at = claims.get("iat").filter(|time| time.is_number());
        self.sign_as_read_at(issued_at, claims)
    }

    /// Signs a token with these claims, and this time as `oiat`.
    pub(super) fn sign_as_read_at(&self, read_at: Option<&Value>, claims: &Map<String, Value>) -> String {
        let mut header =
            json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": self.key_id, "typ": "JWT" });
        if let Some(read_at) = read_at {
            header["oiat"] = read_at.clone();
        }
        self.sign_raw(&header.to_string(), &Value::Object(claims.clone()).to_string())
    }

    /// Signs a token with any header and payload; the signature is always RS256.
    pub fn sign_raw(&self, header: &str, payload: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &aws_lc_rs::rand::SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("an RSA key signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Issuer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
