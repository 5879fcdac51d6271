//! Sends the application the webhooks that Clerk would send, on request with the faults of real networks.

use std::fmt;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::http::client::{causes, http_client, safe_url};
use crate::testing::{SignedDelivery, event};
use crate::time::{Clock, SystemClock};
use crate::webhook::WebhookVerifier;

/// The path at which the application receives webhooks.
pub(super) const PATH: &str = "/webhooks/clerk";

/// The seconds between an attempt without a 2xx answer and the next. Svix waits for up to ten hours, which is too long
/// for trying retries by hand.
const RETRIES: [u64; 4] = [1, 2, 5, 10];

/// The time for an answer of the application, as with Svix.
const ANSWER: Duration = Duration::from_secs(15);

/// The most copies of one delivery, and the longest delay in seconds.
const MAX_COPIES: u8 = 10;
const MAX_DELAY: f64 = 3_600.0;

/// The faults of a delivery; each may be omitted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Faults {
    /// The seconds until the delivery is sent.
    pub(super) delay: f64,
    /// The number of copies; Clerk promises at least one.
    pub(super) copies: u8,
    /// Holds the delivery back until after the next one without `hold`: the two arrive in the wrong order.
    pub(super) hold: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            delay: 0.0,
            copies: 1,
            hold: false,
        }
    }
}

/// The deliveries that are on their way to the application.
pub(super) struct Deliveries {
    url: Url,
    secret: String,
    held: Mutex<Vec<(SignedDelivery, Faults)>>,
}

impl Deliveries {
    pub(super) fn to(origin: &str) -> Self {
        let mut key = [0; 32];
        rand::fill(&mut key).expect("the operating system gives random bytes");
        Self {
            url: safe_url(&format!("{origin}{PATH}")).expect("the origin is one of loopback"),
            secret: format!("whsec_{}", STANDARD.encode(key)),
            held: Mutex::default(),
        }
    }

    /// Returns a verifier that accepts only deliveries of this stand-in.
    pub(super) fn verifier(&self) -> WebhookVerifier {
        WebhookVerifier::new(self.secret.parse().expect("it was made a moment ago"))
    }

    /// Sends an event, and then those that were held back. Returns the delivery's id.
    pub(super) fn send(&self, event_type: &str, data: Value, faults: Faults) -> String {
        let now = SystemClock.now();
        let delivery = SignedDelivery::new(&self.secret, &event(event_type, data, now), now);
        let id = delivery.id().to_string();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.hold {
            tracing::info!(id, event_type, "holding a webhook back until after the next");
            held.push((delivery, faults));
            return id;
        }
        let late = mem::take(&mut *held);
        drop(held);
        let url = self.url.clone();
        tokio::spawn(async move {
            attempt(&url, delivery, faults).await;
            for (delivery, faults) in late {
                attempt(&url, delivery, faults).await;
            }
        });
        id
    }
}

/// Sends a delivery until the application accepts it, or the attempts are used up.
async fn attempt(url: &Url, delivery: SignedDelivery, faults: Faults) {
    let delay = faults.delay.clamp(0.0, MAX_DELAY);
    tokio::time::sleep(Duration::try_from_secs_f64(delay).unwrap_or_default()).await;
    let client = match http_client(url).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(
                error = causes(&error),
                "cannot create the HTTP client for webhooks"
            );
            return;
        }
    };
    for copy in 0..faults.copies.clamp(1, MAX_COPIES) {
        let mut retries = RETRIES.into_iter();
        loop {
            // Each attempt is signed anew, with the id of the first.
            let signed = delivery.clone().again(SystemClock.now());
            let answer = client
                .post(url.clone())
                .headers(signed.headers().clone())
                .body(signed.body().to_owned())
                .timeout(ANSWER)
                .send()
                .await;
            let id = delivery.id();
            match answer {
                Ok(answer) if answer.status().is_success() => {
                    tracing::info!(%id, copy, "a webhook was received");
                    break;
                }
                Ok(answer) => tracing::warn!(%id, status = %answer.status(), "a webhook was not received"),
                Err(error) => {
                    tracing::warn!(%id, error = causes(&error), "a webhook could not be sent");
                }
            }
            match retries.next() {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => break tracing::warn!(%id, "giving up on a webhook"),
            }
        }
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Deliveries")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
