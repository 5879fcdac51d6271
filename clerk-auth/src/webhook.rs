//! Clerk's webhooks: signed deliveries, and the typed events in them.
//!
//! [`WebhookVerifier`] checks that a delivery is Clerk's. [`Event`] is its content. In a handler, the extractor
//! [`Webhook`] verifies and parses:
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use clerk_auth::webhook::{Event, Webhook, WebhookVerifier};
//!
//! async fn receive(webhook: Webhook) -> StatusCode {
//!     match webhook.event {
//!         Event::OrganizationCreated(organization) => println!("{} is new", organization.name),
//!         Event::Other { event_type, .. } => println!("nothing is done for {event_type}"),
//!         _ => {}
//!     }
//!     StatusCode::NO_CONTENT
//! }
//!
//! fn app(verifier: WebhookVerifier) -> Router {
//!     Router::new().route("/webhooks/clerk", post(receive)).with_state(verifier)
//! }
//! ```
//!
//! Data in a user's own name or metadata never hides an event about them. An event is read by the
//! [lenient](crate::lenient) reader, and its members fall into four classes:
//!
//! - the identity of the event (type, time, instance, ids): required, and never guessed; otherwise an [`EventError`];
//! - flags that bar a user (`banned`, `locked`, `deprovisioned`, `deleted`): raised unless plainly `false`, null or
//!   missing;
//! - times inside `data`: the event's own time if they are missing or unreadable;
//! - all others: `None`, or empty, if they are unreadable or of another kind. `unreadable` of each object lists them,
//!   and a column that they feed is neither written nor cleared.
//!
//! Deliveries arrive at least once and in any order, and any answer but 2xx causes a retry. This module does not
//! deduplicate them.

mod delivery;
mod error;
mod event;
mod member;
mod organization;
mod secret;
mod session;
mod signature;
mod signature_error;
mod user;

pub use delivery::{HttpRequest, Webhook, WebhookError};
pub use error::EventError;
pub use event::Event;
pub use organization::{ClerkOrganization, ClerkOrganizationMembership, DeletedOrganization};
pub use secret::{SigningSecret, SigningSecretError};
pub use session::ClerkSession;
pub use signature::{SignedHeaders, TOLERANCE, WebhookVerifier};
pub use signature_error::SignatureError;
pub use user::{ClerkUser, DeletedUser, EmailAddress};
