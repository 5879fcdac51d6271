//! The reasons why the Backend API gave no answer, or an unusable one.

use std::time::Duration;

/// An error of a request to Clerk's Backend API.
///
/// The operator has to fix five of them: the first three, which the creation of a client returns,
/// [`Unauthorized`](Self::Unauthorized) and [`OrganizationsDisabled`](Self::OrganizationsDisabled). The others are
/// transient, except for a status below 500. The client does not retry; an [import](crate::UserSync::import) does.
///
/// ```
/// use clerk_auth::backend_api::BackendApiError;
/// use std::time::Duration;
///
/// /// Returns the pause before a retry; `None` if a retry cannot help.
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
    /// The address is not a URL, or is unencrypted and of another machine.
    #[error(
        "`{0}` (CLERK_API_URL) is not an address of the Backend API: it is like `https://api.clerk.com`; plain http is \
         accepted for loopback only"
    )]
    Url(String),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    HttpClient(Box<str>),
    /// Clerk rejects the secret key, with this code.
    #[error(
        "Clerk refuses the secret key (`{0}`); copy the key of this instance from its dashboard (API keys)"
    )]
    Unauthorized(String),
    /// Clerk refused a list of organizations or memberships with 403 or 404, as for an instance without organizations.
    /// The code is `organization_not_enabled_in_instance` if the feature is off.
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
    /// Too many requests. The client pauses for this long: the time in `Retry-After`, from a second to an hour; ten
    /// seconds by default.
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
    /// No response, an incomplete one, or a timeout: 5 seconds, or 30 for a list.
    #[error("the request to Clerk failed: {0}")]
    Http(Box<str>),
    /// The response does not match the request. Contains a description of the expected response.
    #[error("Clerk's response is not {0}")]
    Malformed(&'static str),
    /// The response has more than 16 MiB.
    #[error("Clerk's response has more than 16 MiB")]
    TooLarge,
    /// The runtime shut down before Clerk responded.
    #[error("the runtime shut down before Clerk responded")]
    Interrupted,
}
