//! Why the Backend API gave no answer, or none that can be used.

use std::time::Duration;

/// An error of a request to Clerk's Backend API.
///
/// The first three come from creating a client and are for the operator to fix, as are
/// [`Unauthorized`](Self::Unauthorized) and [`OrganizationsDisabled`](Self::OrganizationsDisabled). The others are transient, except for a status below 500. The client does not
/// retry; an [import](crate::UserSync::import) does.
///
/// ```
/// use clerk_auth::backend_api::BackendApiError;
/// use std::time::Duration;
///
/// /// When to ask again; `None` if the answer would be the same.
/// fn retry_after(error: &BackendApiError) -> Option<Duration> {
///     match error {
///         BackendApiError::RateLimited(wait) => Some(*wait),
///         BackendApiError::Http(_) | BackendApiError::Malformed(_) => Some(Duration::from_secs(1)),
///         BackendApiError::Status { status: 500.., .. } => Some(Duration::from_secs(1)),
///         _ => None,
///     }
/// }
///
/// assert_eq!(retry_after(&BackendApiError::RateLimited(Duration::from_secs(10))), Some(Duration::from_secs(10)));
/// assert_eq!(retry_after(&BackendApiError::SecretKey), None);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendApiError {
    /// The secret key does not have the format of Clerk's keys. The error does not contain the key.
    #[error(
        "the secret key (CLERK_SECRET_KEY) is missing or malformed: it begins with `sk_test_` or `sk_live_`, without quotes"
    )]
    SecretKey,
    /// The address is not a URL, or is not encrypted and not of this machine.
    #[error(
        "`{0}` (CLERK_API_URL) is not an address of the Backend API: it is like `https://api.clerk.com`; plain http is \
         accepted for loopback only"
    )]
    Url(String),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    HttpClient(Box<str>),
    /// Clerk rejects the secret key, with this code.
    #[error("Clerk refuses the secret key (`{0}`); is it of this instance, and not revoked?")]
    Unauthorized(String),
    /// The instance has no organizations: Clerk refuses a list of organizations or memberships with 403 or 404. The code is
    /// `organization_not_enabled_in_instance` if the feature is switched off.
    #[error(
        "Clerk answered {status} (`{code}`) for a list of organizations: is the feature switched off? Enable organizations \
         in Clerk's dashboard"
    )]
    OrganizationsDisabled {
        /// The status.
        status: u16,
        /// The first error's code.
        code: String,
    },
    /// Too many requests. The client sends none for this long: the time in `Retry-After`, from a second to an hour, or
    /// ten seconds by default.
    #[error("Clerk's rate limit is used up for {} s", .0.as_secs())]
    RateLimited(Duration),
    /// Clerk answered with a status that does not concern the user.
    #[error("Clerk answered {status} (`{code}`)")]
    Status {
        /// The status.
        status: u16,
        /// The first error's code.
        code: String,
    },
    /// No response or an incomplete one, or none within 5 seconds, 30 for a list.
    #[error("the request to Clerk failed: {0}")]
    Http(Box<str>),
    /// A response that does not fit the request. Contains the name of an expected response.
    #[error("Clerk's response is not {0}")]
    Malformed(&'static str),
    /// The response has more than 16 MiB.
    #[error("Clerk's response has more than 16 MiB")]
    TooLarge,
    /// The runtime shut down before Clerk responded.
    #[error("the runtime shut down before Clerk responded")]
    Interrupted,
}
