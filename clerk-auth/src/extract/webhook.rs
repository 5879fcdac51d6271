//! The extractor of a webhook's delivery, and the error responses to its sender.
//!
//! The extractor is in this folder, and not next to the verifier, because this folder handles states and rejections.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;

use super::problem;
use super::provides::Provides;
use crate::metrics;
use crate::webhook::{Webhook, WebhookError, WebhookVerifier};

/// The largest body of a delivery: 1 MiB. Clerk limits metadata to 8 KB, and the rest of an event is about as small.
/// The limit matters because a body is buffered before its sender is verified. axum's `DefaultBodyLimit` does not apply
/// here.
pub const MAX_DELIVERY_SIZE: usize = 1024 * 1024;

/// The longest time for a delivery's body, from the first byte to the last: 10 seconds. A slow sender cannot hold a
/// connection any longer. Svix itself gives up on a delivery after 15 seconds.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The `Retry-After` for a delivery that could not be applied: Svix's own first retry.
const NOT_APPLIED_RETRY: Duration = Duration::from_secs(5);

/// The reason why a delivery was refused, as a problem document (RFC 9457) with a stable `code`.
///
/// | variant | status | `code` |
/// |---|---|---|
/// | [`Delivery`](Self::Delivery) | 400 | that of the [`WebhookError`] |
/// | [`BodyTooLarge`](Self::BodyTooLarge) | 413 | `webhook_body_too_large` |
/// | [`BodyTimeout`](Self::BodyTimeout) | 408 | `webhook_body_timeout` |
/// | [`BodyIncomplete`](Self::BodyIncomplete) | 400 | `webhook_body_incomplete` |
/// | [`NotApplied`](Self::NotApplied) | 503 | `webhook_not_applied` |
///
/// Clerk's sender treats every answer but 2xx as a failure, retries for a day, and shows the answer to the team. The
/// answer describes only the delivery, and nothing of this application; the log has the reason too.
///
/// ```
/// use axum::http::StatusCode;
/// use clerk_auth::extract::WebhookRejection;
/// use clerk_auth::webhook::{SignatureError, WebhookError};
///
/// let rejection = WebhookRejection::Delivery(WebhookError::Signature(SignatureError::TooOld));
/// assert_eq!((rejection.status(), rejection.code()), (StatusCode::BAD_REQUEST, "webhook_too_old"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookRejection {
    /// The delivery is not accepted as Clerk's, or is not an event.
    #[error(transparent)]
    Delivery(#[from] WebhookError),
    /// The body has more than [`MAX_DELIVERY_SIZE`] bytes.
    #[error("the body has more than {MAX_DELIVERY_SIZE} bytes")]
    BodyTooLarge,
    /// The body took longer than [`DELIVERY_TIMEOUT`].
    #[error("the body took longer than {} s", DELIVERY_TIMEOUT.as_secs())]
    BodyTimeout,
    /// The connection broke before the end of the body, or a layer of the application closed it.
    #[error("the body is incomplete")]
    BodyIncomplete,
    /// The delivery is Clerk's, but its event could not be applied at the moment: from
    /// [`routing::webhooks`](crate::routing::webhooks), never from the extractor.
    #[error("the event could not be applied at the moment")]
    NotApplied,
}

impl WebhookRejection {
    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Delivery(_) | Self::BodyIncomplete => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotApplied => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the stable code by which reasons are distinguished.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Delivery(error) => error.code(),
            Self::BodyTooLarge => "webhook_body_too_large",
            Self::BodyTimeout => "webhook_body_timeout",
            Self::BodyIncomplete => "webhook_body_incomplete",
            Self::NotApplied => "webhook_not_applied",
        }
    }

    /// Returns the response with another body. The status and the headers that the sender acts on (`Retry-After`,
    /// `Cache-Control`) stay.
    ///
    /// Every response to a refused delivery carries the [`WebhookRejection`] in its extensions, and every rejected
    /// request a [`Rejection`](super::Rejection). So one function can render both:
    ///
    /// ```
    /// use axum::http::HeaderValue;
    /// use axum::response::Response;
    /// use clerk_auth::extract::WebhookRejection;
    ///
    /// async fn render(response: Response) -> Response {
    ///     match response.extensions().get::<WebhookRejection>() {
    ///         Some(rejection) => rejection.response(HeaderValue::from_static("text/plain"), rejection.code()),
    ///         None => response,
    ///     }
    /// }
    /// # let _ = render;
    /// ```
    pub fn response(&self, content_type: HeaderValue, body: impl Into<Body>) -> Response<Body> {
        let mut response = problem::response(self.status(), content_type, body.into());
        if matches!(self, Self::NotApplied) {
            let seconds = HeaderValue::from(NOT_APPLIED_RETRY.as_secs());
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response<Body> {
        let document = problem::document(self.status(), self.code(), &self.to_string());
        self.response(problem::CONTENT_TYPE, document.to_string())
    }
}

impl<S> FromRequest<S> for Webhook
where
    S: Provides<WebhookVerifier> + Sync,
{
    type Rejection = WebhookRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebhookRejection> {
        let received = verify_and_parse(request, &state.provide()).await;
        match &received {
            Ok(_) => metrics::webhook("received"),
            Err(rejection) => {
                metrics::webhook(rejection.code());
                // A member's name is a constant of this library. The delivery's id comes from the sender, and is not
                // verified.
                tracing::warn!(reason = rejection.code(), detail = %rejection, "refused a webhook");
            }
        }
        received
    }
}

/// Checks the headers before the body, so that a refusal by the headers does not read the body.
async fn verify_and_parse(request: Request, verifier: &WebhookVerifier) -> Result<Webhook, WebhookRejection> {
    let (parts, body) = request.into_parts();
    let headers = verifier
        .verify_headers(&parts.headers, verifier.now())
        .map_err(WebhookError::from)?;
    if content_length(&parts.headers).is_some_and(|length| length > MAX_DELIVERY_SIZE as u64) {
        return Err(WebhookRejection::BodyTooLarge);
    }
    let body = read_in_time(body).await?;
    let id = verifier
        .verify_body(&headers, &body)
        .map_err(WebhookError::from)?;
    Ok(Webhook::parse(id, &body).map_err(WebhookError::from)?)
}

/// Returns the length of the body. The server has checked that the header is a single number, and ends the body there.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body in bounded time. A body that arrived with the head requires neither a timer nor a runtime with timers.
async fn read_in_time(body: Body) -> Result<Vec<u8>, WebhookRejection> {
    let mut read = pin!(read(body));
    if let Poll::Ready(body) = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await {
        return body;
    }
    tokio::time::timeout(DELIVERY_TIMEOUT, read)
        .await
        .unwrap_or(Err(WebhookRejection::BodyTimeout))
}

/// Reads up to the limit; the server closes the connection if there is more.
async fn read(body: Body) -> Result<Vec<u8>, WebhookRejection> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|_| WebhookRejection::BodyIncomplete)?;
        // Trailers are not signed, so they are dropped.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > MAX_DELIVERY_SIZE - bytes.len() {
            return Err(WebhookRejection::BodyTooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
