//! Deliveries of webhooks, signed as Clerk signs them.

use std::fmt;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::id::DeliveryId;
use crate::time::Timestamp;
use crate::webhook::SigningSecret;

/// Returns the body of an event, in the envelope that all events have.
///
/// ```
/// use clerk_auth::testing::{event, user_object};
/// use clerk_auth::time::Timestamp;
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let created = event("user.created", user_object("user_ada", now), now);
/// assert_eq!(created["data"]["id"], "user_ada");
/// assert_eq!(created["timestamp"], 1_700_000_000_000_i64);
/// ```
pub fn event(event_type: &str, data: Value, now: Timestamp) -> Value {
    let mut event = json!({
        "object": "event",
        "type": event_type,
        "timestamp": now.as_millis(),
        "instance_id": "ins_testing",
        "event_attributes": {
            "http_request": { "client_ip": "192.0.2.1", "user_agent": "testing" },
        },
    });
    event["data"] = data;
    event
}

/// A delivery as Clerk sends it: headers and body. To test a handler, send one request:
///
/// ```
/// use axum::http::StatusCode;
/// use axum::{Router, routing::post};
/// use clerk_auth::testing::{SignedDelivery, event, user_object};
/// use clerk_auth::time::{Clock, SystemClock};
/// use clerk_auth::webhook::{Event, Webhook, WebhookVerifier};
/// use tower::ServiceExt;
///
/// async fn receive(webhook: Webhook) -> StatusCode {
///     match webhook.event {
///         Event::UserCreated(_) => StatusCode::CREATED,
///         _ => StatusCode::NO_CONTENT,
///     }
/// }
///
/// const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // #[tokio::test] async fn new_user_is_distinguished_from_an_updated_one() {
/// let verifier = WebhookVerifier::new(SECRET.parse()?);
/// let app = Router::new().route("/webhooks/clerk", post(receive)).with_state(verifier);
/// let now = SystemClock.now();
/// for (event_type, status) in [("user.created", StatusCode::CREATED), ("user.updated", StatusCode::NO_CONTENT)] {
///     let event = event(event_type, user_object("user_ada", now), now);
///     let request = SignedDelivery::new(SECRET, &event, now).request("/webhooks/clerk");
///     assert_eq!(app.clone().oneshot(request).await?.status(), status);
/// }
/// // }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SignedDelivery {
    secret: SigningSecret,
    id: DeliveryId,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl SignedDelivery {
    /// Creates a delivery of this event, signed `now` with this secret, and with its own id.
    ///
    /// # Panics
    ///
    /// If the secret is invalid.
    pub fn new(secret: &str, event: &Value, now: Timestamp) -> Self {
        let mut random = [0; 12];
        aws_lc_rs::rand::fill(&mut random).expect("the operating system gives random bytes");
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let timestamp = now.as_secs().to_string();
        Self::raw(secret, &format!("msg_{id}"), &timestamp, event.to_string())
    }

    /// Creates a delivery of any body, with this id and this time; the signature is valid.
    ///
    /// # Panics
    ///
    /// If the secret is invalid, or a header cannot contain the id or the time.
    pub fn raw(secret: &str, id: &str, timestamp: &str, body: impl Into<Vec<u8>>) -> Self {
        let secret: SigningSecret = secret.parse().expect("the secret is one of Clerk's");
        let body = body.into();
        let mut delivery = Self {
            headers: HeaderMap::new(),
            id: DeliveryId::new(id),
            body,
            secret,
        };
        delivery.sign(timestamp);
        delivery
    }

    /// Repeats the delivery as another attempt: with the same id and a new signature.
    #[must_use]
    pub fn again(mut self, now: Timestamp) -> Self {
        self.sign(&now.as_secs().to_string());
        self
    }

    /// Adds the signature of another secret, as during a rotation.
    ///
    /// # Panics
    ///
    /// If the secret is invalid.
    #[must_use]
    pub fn also_signed_with(mut self, secret: &str) -> Self {
        let secret: SigningSecret = secret.parse().expect("the secret is one of Clerk's");
        let timestamp = self.header("svix-timestamp").to_owned();
        let signatures = format!(
            "{} {}",
            self.header("svix-signature"),
            signature(&secret, &self.id, &timestamp, &self.body)
        );
        self.set("svix-signature", &signatures);
        self
    }

    /// The id, which is the header `svix-id`.
    pub fn id(&self) -> &DeliveryId {
        &self.id
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the request to a router; another client sends [`headers`](Self::headers) and [`body`](Self::body).
    ///
    /// # Panics
    ///
    /// If the address is not a URI.
    pub fn request(&self, uri: &str) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.parse().expect("the address is one");
        *request.headers_mut() = self.headers.clone();
        request
    }

    fn sign(&mut self, timestamp: &str) {
        let signature = signature(&self.secret, &self.id, timestamp, &self.body);
        let id = self.id.clone();
        self.set(CONTENT_TYPE.as_str(), "application/json");
        self.set("svix-id", id.as_str());
        self.set("svix-timestamp", timestamp);
        self.set("svix-signature", &signature);
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("a header of our own is text")
    }

    fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::try_from(name).expect("a name of our own");
        let value = HeaderValue::try_from(value).expect("the value can stand in a header");
        self.headers.insert(name, value);
    }
}

impl fmt::Debug for SignedDelivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedDelivery")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn signature(secret: &SigningSecret, id: &DeliveryId, timestamp: &str, body: &[u8]) -> String {
    let tag = secret.sign(id.as_str(), timestamp, body);
    format!("v1,{}", STANDARD.encode(tag))
}
