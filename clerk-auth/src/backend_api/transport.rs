//! Requests to the Backend API: the secret key, the rate limit, and the body of an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};

use super::error::BackendApiError;
use crate::http::address::redacted;
use crate::http::client::{causes, http_client, read_bounded, safe_url};
use crate::lenient::LenientValue;
use crate::time::{Clock, SystemClock, Timestamp};

/// The API version whose user object this library supports (Clerk's documentation, "Versioning").
const VERSION: &str = "2026-05-12";

/// The largest response in bytes. A page of 500 users, each with 8 KiB of metadata, has half as many.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The pause after a 429 without a `Retry-After`: Clerk's limits are per ten seconds.
const DEFAULT_RETRY: Duration = Duration::from_secs(10);

/// An HTTP client with the secret key of an instance.
pub(super) struct Transport {
    pub(super) url: Url,
    client: Client,
    clock: Arc<dyn Clock>,
    /// The time in milliseconds before which Clerk accepts no further request, from its `Retry-After`.
    not_before: AtomicI64,
}

impl Transport {
    pub(super) fn new(url: &str, secret_key: &str) -> Result<Self, BackendApiError> {
        let secret_key = secret_key.trim();
        let authorization = match HeaderValue::from_str(&format!("Bearer {secret_key}")) {
            Ok(mut value) if is_secret_key(secret_key) => {
                value.set_sensitive(true);
                value
            }
            _ => return Err(BackendApiError::SecretKey),
        };
        let parsed = safe_url(url).ok_or_else(|| BackendApiError::Url(redacted(url)))?;
        let headers: HeaderMap = [
            (AUTHORIZATION, authorization),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (
                HeaderName::from_static("clerk-api-version"),
                HeaderValue::from_static(VERSION),
            ),
        ]
        .into_iter()
        .collect();
        let client = http_client(&parsed)
            .default_headers(headers)
            .build()
            .map_err(|error| BackendApiError::HttpClient(causes(&error).into()))?;
        Ok(Self {
            url: parsed,
            client,
            clock: Arc::new(SystemClock),
            not_before: AtomicI64::new(i64::MIN),
        })
    }

    /// Returns how long requests are suspended after a rate limit; zero if they are not.
    pub(super) fn rate_limited_for(&self) -> Duration {
        let not_before = Timestamp::from_millis(self.not_before.load(Ordering::Relaxed));
        not_before.since(self.clock.now())
    }

    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<LenientValue, BackendApiError> {
        let request = self.request(Method::GET, path)?.query(query).timeout(timeout);
        self.send(request).await
    }

    pub(super) fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, BackendApiError> {
        let wait = self.rate_limited_for();
        if !wait.is_zero() {
            return Err(BackendApiError::RateLimited(wait));
        }
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| BackendApiError::Url(redacted(self.url.as_str())))?
            .pop_if_empty()
            .extend(path);
        Ok(self.client.request(method, url))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<LenientValue, BackendApiError> {
        let answer = self.answer(request).await?;
        answer.map_err(BackendApiError::from)
    }

    /// Returns the body, or Clerk's refusal.
    pub(super) async fn answer(
        &self,
        request: RequestBuilder,
    ) -> Result<Result<LenientValue, Refused>, BackendApiError> {
        let response = request
            .send()
            .await
            .map_err(|error| BackendApiError::Http(causes(&error.without_url()).into()))?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = body(response).await?;
        if status == StatusCode::OK {
            return body.map(Ok).ok_or(BackendApiError::Malformed("JSON"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = retry_after.unwrap_or(DEFAULT_RETRY);
            let until = self.clock.now() + wait;
            self.not_before.fetch_max(until.as_millis(), Ordering::Relaxed);
            return Err(BackendApiError::RateLimited(wait));
        }
        let code = body
            .as_ref()
            .and_then(|body| body["errors"][0]["code"].as_str())
            .unwrap_or("no code")
            .to_owned();
        Ok(Err(Refused { status, code }))
    }
}

/// A status other than 200 and 429, with the code of the first error.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: String,
}

impl From<Refused> for BackendApiError {
    fn from(Refused { status, code }: Refused) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Unauthorized(code),
            status => Self::Status {
                status: status.as_u16(),
                code,
            },
        }
    }
}

fn is_secret_key(text: &str) -> bool {
    let mode = ["sk_test_", "sk_live_"];
    mode.iter()
        .filter_map(|prefix| text.strip_prefix(prefix))
        .any(|rest| !rest.is_empty())
}

/// Reads seconds; Clerk sends no dates. A time longer than an hour is treated as a mistake.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.clamp(1, 3_600)))
}

/// Reads the body as JSON; returns `None` if the body is not JSON.
async fn body(response: Response) -> Result<Option<LenientValue>, BackendApiError> {
    let body = read_bounded(response, MAX_BODY)
        .await
        .map_err(|error| BackendApiError::Http(causes(&error.without_url()).into()))?
        .ok_or(BackendApiError::TooLarge)?;
    Ok(LenientValue::from_slice(&body).ok())
}
