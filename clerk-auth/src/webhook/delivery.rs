//! A delivery: a verified signature around an event, in the envelope that all events have.

use axum::http::HeaderMap;

use super::error::EventError;
use super::event::Event;
use super::member::Members;
use super::signature::WebhookVerifier;
use super::signature_error::SignatureError;
use crate::id::{DeliveryId, InstanceId};
use crate::lenient::LenientValue;
use crate::time::Timestamp;

/// The smallest number that is read as milliseconds in an envelope: the year 5138 in seconds, 1973 in milliseconds.
/// Clerk's documentation has milliseconds ("Webhooks overview"), its schema seconds.
const MILLISECONDS: i64 = 100_000_000_000;

/// A verified and parsed delivery. Deliveries are not deduplicated.
///
/// The extractor takes a [`WebhookVerifier`] from the state; see the [module](super). Rejects with a
/// [`WebhookRejection`](crate::extract::WebhookRejection):
///
/// - 400 for a delivery that is not Clerk's, or whose body is not an event;
/// - 413 for a body beyond [`MAX_DELIVERY_SIZE`](crate::extract::MAX_DELIVERY_SIZE);
/// - 408 for a body that takes longer than [`DELIVERY_TIMEOUT`](crate::extract::DELIVERY_TIMEOUT).
///
/// ```
/// use axum::http::StatusCode;
/// use clerk_auth::webhook::Webhook;
///
/// async fn receive(Webhook { id, event, .. }: Webhook) -> StatusCode {
///     println!("{id}: {}", event.event_type());
///     StatusCode::NO_CONTENT
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Webhook {
    /// The delivery id, equal for all attempts, by which an application can recognize a repeated delivery.
    pub id: DeliveryId,
    /// The event.
    pub event: Event,
    /// The time of the event. Clerk sends whole seconds or milliseconds, so this time does not order events that are
    /// close together.
    pub timestamp: Timestamp,
    /// The Clerk instance.
    pub instance_id: InstanceId,
    /// The request to Clerk that caused the event.
    pub http_request: HttpRequest,
}

/// The origin of the request that caused an event, as far as Clerk reports it. The browser or its proxy chooses both
/// values. `None` if a value cannot be read.
///
/// ```
/// use clerk_auth::webhook::Webhook;
///
/// fn audit_line(webhook: &Webhook) -> String {
///     let from = webhook.http_request.client_ip.as_deref().unwrap_or("an unknown address");
///     format!("{} from {from}", webhook.event.event_type())
/// }
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// The IP address.
    pub client_ip: Option<Box<str>>,
    /// The user agent.
    pub user_agent: Option<Box<str>>,
}

/// The reason why a delivery was not accepted, temporarily or permanently.
///
/// ```
/// use axum::http::HeaderMap;
/// use clerk_auth::webhook::{Webhook, WebhookError, WebhookVerifier};
///
/// /// Returns the status to answer with, in a server without axum.
/// fn read_delivery(verifier: &WebhookVerifier, headers: &HeaderMap, body: &[u8]) -> u16 {
///     match Webhook::verify_and_parse(verifier, headers, body, verifier.now()) {
///         Ok(webhook) => println!("{}", webhook.event.event_type()),
///         Err(WebhookError::Event(error)) => eprintln!("Clerk has sent what is not documented: {error}"),
///         Err(error) => {
///             eprintln!("refused: {error}");
///             return 400;
///         }
///     }
///     204
/// }
///
/// let verifier = WebhookVerifier::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?);
/// assert_eq!(read_delivery(&verifier, &HeaderMap::new(), b"{}"), 400);
/// # Ok::<(), clerk_auth::webhook::SigningSecretError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The delivery is not Clerk's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The delivery is Clerk's, but not an event.
    #[error(transparent)]
    Event(#[from] EventError),
}

impl Webhook {
    /// Verifies and parses a delivery, like the extractor, for a server that does not use axum.
    ///
    /// # Errors
    ///
    /// [`WebhookError`] distinguishes a bad signature from a bad event.
    pub fn verify_and_parse(
        verifier: &WebhookVerifier,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, WebhookError> {
        let id = verifier.verify(headers, body, now)?;
        Ok(Self::parse(id, body)?)
    }

    /// Parses the body of a delivery that was verified elsewhere.
    ///
    /// Data that a user wrote never hides an event: see the [module](super). An unknown type is not an error.
    ///
    /// # Errors
    ///
    /// [`EventError`] names what is missing or malformed.
    pub fn parse(id: DeliveryId, body: &[u8]) -> Result<Self, EventError> {
        let mut body = LenientValue::from_slice(body).map_err(|_| EventError::Body)?;
        if !body.is_object() {
            return Err(EventError::Body);
        }
        let data = body.take("data");
        let envelope = Members::new(body.node(), "")?;
        if &*envelope.required_text("object")? != "event" {
            return Err(envelope.malformed("object"));
        }
        let event_type = envelope.required_id("type", |event_type| event_type)?;
        let timestamp = timestamp(&envelope)?;
        Ok(Self {
            id,
            timestamp,
            instance_id: envelope.required_id("instance_id", InstanceId::new)?,
            http_request: http_request(&envelope),
            event: Event::read(&event_type, data, timestamp)?,
        })
    }
}

impl WebhookError {
    /// Returns the stable code by which reasons are distinguished.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            Self::Event(error) => error.code(),
        }
    }
}

fn timestamp(envelope: &Members<'_>) -> Result<Timestamp, EventError> {
    match envelope.required_integer("timestamp")? {
        ..0 => Err(envelope.malformed("timestamp")),
        milliseconds @ MILLISECONDS.. => Ok(Timestamp::from_millis(milliseconds)),
        seconds => Ok(Timestamp::from_secs(seconds)),
    }
}

/// Reads the origin of the request. Lenient, because a browser chooses these values, and no decision depends on them.
fn http_request(envelope: &Members<'_>) -> HttpRequest {
    let attributes = envelope.object("event_attributes", "event_attributes");
    let request = attributes.ok().flatten().and_then(|attributes| {
        attributes
            .object("http_request", "event_attributes.http_request")
            .ok()?
    });
    let Some(mut request) = request else {
        return HttpRequest::default();
    };
    HttpRequest {
        client_ip: request.text("client_ip"),
        user_agent: request.text("user_agent"),
    }
}
