//! Measures the cost of verification besides the necessary RSA operation, in turns in one run.
//!
//! `cargo bench -p clerk-auth --no-default-features --features testing`

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clerk_auth::Clerk;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
/// The number of tokens in a round. Their bytes are in the processor's caches, like those of a request that was just
/// read.
const TOKENS: u32 = 25;
const ROUNDS: usize = 1_000;

fn main() {
    let issuer = Issuer::new("https://clerk.example.com");
    let pem = issuer.public_key_pem();
    let tokens: Vec<String> = (0..TOKENS).map(|number| token(&issuer, number)).collect();
    let requests: Vec<HeaderMap> = tokens.iter().map(|token| request(token)).collect();

    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).expect("the issuer's PEM");
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der).expect("the issuer's key");
    let signatures: Vec<(&str, Vec<u8>)> = tokens
        .iter()
        .map(|token| {
            let (signed, signature) = token.rsplit_once('.').expect("three parts");
            (signed, URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
        })
        .collect();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    let (mut raw, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
    runtime.block_on(async {
        for _ in 0..ROUNDS {
            // A new handle has no cached tokens, so it verifies each token once.
            let clerk = clerk(&issuer, &pem);
            let (mut limit, mut verification) = (Duration::ZERO, Duration::ZERO);
            // The two measurements alternate, so that neither runs alone on a warmed-up processor.
            for ((signed, signature), headers) in signatures.iter().zip(&requests) {
                let start = Instant::now();
                key.verify_sig(black_box(signed.as_bytes()), black_box(signature))
                    .expect("it verifies");
                let verified = Instant::now();
                let session = clerk.authenticate(black_box(headers)).await;
                drop(black_box(session.expect("it verifies")));
                limit += verified - start;
                verification += verified.elapsed();
            }
            raw.push(limit / TOKENS);
            first.push(verification / TOKENS);

            let start = Instant::now();
            for headers in &requests {
                let session = clerk.authenticate(black_box(headers)).await;
                drop(black_box(session.expect("it verifies")));
            }
            again.push(start.elapsed() / TOKENS);
        }
    });
    println!("a token of {} bytes", tokens[0].len());
    let limit = least(raw);
    println!("RSA signature, key parsed {limit:>10.2?}");
    for (name, times) in [("first", first), ("again", again)] {
        let time = least(times);
        println!(
            "authenticate, {name:<11} {time:>10.2?} {:>8.3} x",
            time.div_duration_f64(limit)
        );
    }
}

fn clerk(issuer: &Issuer, pem: &str) -> Clerk {
    Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(pem)
        .authorized_parties(["https://app.example.com"])
        .clock(MovableClock::new(NOW))
        .build()
        .expect("the configuration is right")
}

fn request(token: &str) -> HeaderMap {
    let bearer = format!("Bearer {token}");
    let bearer = bearer.parse().expect("a token is a header value");
    HeaderMap::from_iter([(AUTHORIZATION, bearer)])
}

/// Creates a session token of about 900 bytes: Clerk's own claims, an organization with permissions, and the minimum
/// for a table of users. Each token is minted in a different second, so that its header has a different `oiat`.
fn token(issuer: &Issuer, number: u32) -> String {
    let issued_at = Timestamp::from_secs(NOW.as_secs() - i64::from(number));
    let mut claims = issuer.claims("user_29w83sxmDNGwOuEthce5gg56FcC", issued_at);
    let further = json!({
        "azp": "https://app.example.com",
        "email": "ada@example.com",
        "fea": "o:notes",
        "o": { "id": "org_1", "rol": "admin", "per": "read,write", "fpm": "3" },
        "updatedAt": 1_600_000_000 + number,
    });
    if let Value::Object(further) = further {
        claims.extend(further);
    }
    issuer.sign(&claims)
}

/// Returns the time of the fastest round, because other work on the machine only adds time.
fn least(times: Vec<Duration>) -> Duration {
    times.into_iter().min().unwrap_or_default()
}
