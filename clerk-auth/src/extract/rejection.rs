//! The status codes: every way in which a request can be rejected.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;

use super::problem;
use crate::policy::Denied;
use crate::row::{RowKind, SyncedRow};
use crate::sync::{Failure, Lacking, SyncError};
use crate::token::Refusal;

/// The `Retry-After` for an unavailable database.
const DATABASE_RETRY: Duration = Duration::from_secs(1);

/// The `Retry-After` for a token without the template's claims: it expires within the 60 seconds that Clerk's session
/// tokens live. The next token may be a copy from Clerk's edge, and lack the claims too.
const TOKEN_RETRY: Duration = Duration::from_secs(60);

/// The reason why a request was rejected, as a problem document (RFC 9457) with a stable `code`.
///
/// | variant | status | `code` |
/// |---|---|---|
/// | [`SignedOut`](Self::SignedOut) | 401 | `signed_out` |
/// | [`Refused`](Self::Refused) | 401 | that of the [`Refusal`] |
/// | [`UserDeleted`](Self::UserDeleted) | 401 | `user_deleted` |
/// | [`Denied`](Self::Denied) | 403 | that of the [`Denied`] |
/// | [`CrossSiteRequest`](Self::CrossSiteRequest) | 403 | `cross_site_request` |
/// | [`UserConflict`](Self::UserConflict) | 409 | `user_conflict` |
/// | [`LinkConflict`](Self::LinkConflict) | 409 | `link_conflict` |
/// | [`OrganizationConflict`](Self::OrganizationConflict) | 409 | `organization_conflict` |
/// | [`UserDataRefused`](Self::UserDataRefused) | 422 | `user_data_refused` |
/// | [`OrganizationDataRefused`](Self::OrganizationDataRefused) | 422 | `organization_data_refused` |
/// | [`ClaimInvalid`](Self::ClaimInvalid) | 422 | `claim_invalid` |
/// | [`KeysUnavailable`](Self::KeysUnavailable) | 503 | `keys_unavailable` |
/// | [`DenialsUnavailable`](Self::DenialsUnavailable) | 503 | `denials_unavailable` |
/// | [`DatabaseUnavailable`](Self::DatabaseUnavailable) | 503 | `database_unavailable` |
/// | [`DatabaseBusy`](Self::DatabaseBusy) | 503 | `database_busy` |
/// | [`DatabaseReadOnly`](Self::DatabaseReadOnly) | 503 | `database_read_only` |
/// | [`StatementRefused`](Self::StatementRefused) | 503 | `statement_refused` |
/// | [`SignUpFailed`](Self::SignUpFailed) | 503 | `sign_up_failed` |
/// | [`DeletionFailed`](Self::DeletionFailed) | 503 | `deletion_failed` |
/// | [`OrganizationSetupFailed`](Self::OrganizationSetupFailed) | 503 | `organization_setup_failed` |
/// | [`SessionTokenIncomplete`](Self::SessionTokenIncomplete) | 503 | `session_token_incomplete` |
/// | [`Misconfigured`](Self::Misconfigured) | 500 | `misconfigured` |
/// | [`UserUnreadable`](Self::UserUnreadable) | 500 | `user_unreadable` |
/// | [`OrganizationUnreadable`](Self::OrganizationUnreadable) | 500 | `organization_unreadable` |
/// | [`ServiceFailed`](Self::ServiceFailed) | 500 | `service_failed` |
///
/// 422 concerns the account, not the request, so a retry does not help. The log names the user and the constraint,
/// column or claim.
///
/// 401 carries `WWW-Authenticate: Bearer`, 503 carries `Retry-After` in seconds. A response contains nothing internal;
/// the reason is in the log.
///
/// A handler can return a `Rejection` itself, if the requirement can only be checked in its body:
///
/// ```
/// use clerk_auth::extract::Rejection;
/// use clerk_auth::policy::Denied;
/// use clerk_auth::{Session, authenticated};
///
/// #[authenticated]
/// async fn report(session: Session) -> Result<&'static str, Rejection> {
///     let allowed = session.has_role("org:admin") || session.has_plan("user:pro");
///     if allowed { Ok("the report") } else { Err(Rejection::Denied(Denied::Requirements)) }
/// }
///
/// let rejection = Rejection::Denied(Denied::Requirements);
/// assert_eq!((rejection.status().as_u16(), rejection.code()), (403, "requirements_not_met"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The request has no session token.
    #[error("sign in first")]
    SignedOut,
    /// The session token is not valid.
    #[error("{0}")]
    Refused(Refusal),
    /// Clerk has deleted the user.
    #[error("the user was deleted")]
    UserDeleted,
    /// The user is signed in but not allowed to do this.
    #[error("{0}")]
    Denied(Denied),
    /// The session came by cookie, on a request that changes something and that another site's page may have made; see
    /// [`middleware`](crate::middleware#cookies-and-other-sites).
    #[error("this request is not accepted from another site")]
    CrossSiteRequest,
    /// Another user's row has a value that must be unique in the application's table, such as the e-mail address.
    #[error("another account already uses a value that must be unique")]
    UserConflict,
    /// The row with the user's key (`link` of the struct) belongs to another Clerk user, or is marked as deleted.
    #[error("this account belongs to another user")]
    LinkConflict,
    /// The database refuses the user's data, by a constraint or a length for example.
    #[error("the data of this account cannot be stored")]
    UserDataRefused,
    /// The struct cannot hold a value of the user's, such as an external id that is not a UUID.
    #[error("the data of this account is not what this service can use")]
    ClaimInvalid,
    /// Another organization's row has a value that must be unique in the application's table.
    #[error("another organization already uses a value that must be unique")]
    OrganizationConflict,
    /// The database refuses the organization's data, by a constraint or a length for example.
    #[error("the data of this organization cannot be stored")]
    OrganizationDataRefused,
    /// The keys for verifying tokens cannot be fetched.
    #[error("sessions cannot be verified at the moment")]
    KeysUnavailable {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The application refuses sessions while bans and deletions cannot be read from the database.
    #[error("sessions cannot be checked at the moment")]
    DenialsUnavailable {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The database is unavailable: it does not respond.
    #[error("the service is not available at the moment")]
    DatabaseUnavailable {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The database responds, but another transaction blocks this user's row.
    #[error("the account is in use at the moment")]
    DatabaseBusy {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The database accepts no writes at the moment, during a failover for example.
    #[error("the service accepts no changes at the moment")]
    DatabaseReadOnly {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The database refuses a statement for every user: a column or a privilege is missing.
    #[error("the service cannot read or write accounts at the moment")]
    StatementRefused {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The application's hook for a new or a linked user failed, so that the user has no row yet.
    #[error("the account could not be set up at the moment")]
    SignUpFailed {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The application's hook for a deleted user failed, so that the row still exists.
    #[error("the account could not be removed at the moment")]
    DeletionFailed {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The application's hook for a new organization failed, so that the organization has no row yet.
    #[error("the organization could not be set up at the moment")]
    OrganizationSetupFailed {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The session token does not have the claims of the template.
    #[error("the session token lacks what this service needs")]
    SessionTokenIncomplete,
    /// The application is configured incorrectly; the log has the details.
    #[error("the service is not set up correctly")]
    Misconfigured,
    /// The struct cannot hold the user's row.
    #[error("the account cannot be read")]
    UserUnreadable,
    /// The struct cannot hold the organization's row.
    #[error("the organization cannot be read")]
    OrganizationUnreadable,
    /// The database failed in an unexpected way, or the application's code panicked.
    #[error("the service has failed")]
    ServiceFailed,
}

impl Rejection {
    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignedOut | Self::Refused(_) | Self::UserDeleted => StatusCode::UNAUTHORIZED,
            Self::Denied(_) | Self::CrossSiteRequest => StatusCode::FORBIDDEN,
            Self::UserConflict | Self::LinkConflict | Self::OrganizationConflict => StatusCode::CONFLICT,
            Self::UserDataRefused | Self::OrganizationDataRefused | Self::ClaimInvalid => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::KeysUnavailable { .. }
            | Self::DenialsUnavailable { .. }
            | Self::DatabaseUnavailable { .. }
            | Self::DatabaseBusy { .. }
            | Self::DatabaseReadOnly { .. }
            | Self::StatementRefused { .. }
            | Self::SignUpFailed { .. }
            | Self::DeletionFailed { .. }
            | Self::OrganizationSetupFailed { .. }
            | Self::SessionTokenIncomplete => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured
            | Self::UserUnreadable
            | Self::OrganizationUnreadable
            | Self::ServiceFailed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the stable code by which a client distinguishes reasons.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Refused(refusal) => refusal.code(),
            Self::UserDeleted => "user_deleted",
            Self::Denied(denied) => denied.code(),
            Self::CrossSiteRequest => "cross_site_request",
            Self::UserConflict => "user_conflict",
            Self::LinkConflict => "link_conflict",
            Self::UserDataRefused => "user_data_refused",
            Self::ClaimInvalid => "claim_invalid",
            Self::OrganizationConflict => "organization_conflict",
            Self::OrganizationDataRefused => "organization_data_refused",
            Self::OrganizationUnreadable => "organization_unreadable",
            Self::OrganizationSetupFailed { .. } => "organization_setup_failed",
            Self::DatabaseBusy { .. } => "database_busy",
            Self::DatabaseReadOnly { .. } => "database_read_only",
            Self::StatementRefused { .. } => "statement_refused",
            Self::UserUnreadable => "user_unreadable",
            Self::ServiceFailed => "service_failed",
            Self::SignUpFailed { .. } => "sign_up_failed",
            Self::DeletionFailed { .. } => "deletion_failed",
            Self::KeysUnavailable { .. } => "keys_unavailable",
            Self::DenialsUnavailable { .. } => "denials_unavailable",
            Self::DatabaseUnavailable { .. } => "database_unavailable",
            Self::SessionTokenIncomplete => "session_token_incomplete",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// Maps a sync failure to the response; sync has already logged it.
    pub(crate) fn from_sync<U: SyncedRow>(error: SyncError) -> Self {
        Lacking::new::<U>(error).into()
    }

    /// Returns the response with another body. The status and the headers that a client acts on (`WWW-Authenticate`,
    /// `Retry-After`, `Cache-Control`) stay.
    ///
    /// Every response to a rejection carries the [`Rejection`] in its extensions, so one function renders the
    /// rejections of all extractors and layers:
    ///
    /// ```
    /// use axum::Router;
    /// use axum::http::HeaderValue;
    /// use axum::middleware::map_response;
    /// use axum::response::Response;
    /// use clerk_auth::Clerk;
    /// use clerk_auth::extract::Rejection;
    ///
    /// async fn render(response: Response) -> Response {
    ///     match response.extensions().get::<Rejection>() {
    ///         Some(rejection) => {
    ///             let page = format!("<h1>{rejection}</h1>");
    ///             rejection.response(HeaderValue::from_static("text/html"), page)
    ///         }
    ///         None => response,
    ///     }
    /// }
    ///
    /// let app: Router<Clerk> = Router::new().layer(map_response(render));
    /// ```
    pub fn response(&self, content_type: HeaderValue, body: impl Into<Body>) -> Response<Body> {
        let mut response = problem::response(self.status(), content_type, body.into());
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(duration) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, duration.as_secs().max(1).into());
        }
        response.extensions_mut().insert(self.clone());
        response
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::KeysUnavailable { retry_after }
            | Self::DenialsUnavailable { retry_after }
            | Self::DatabaseUnavailable { retry_after }
            | Self::DatabaseBusy { retry_after }
            | Self::DatabaseReadOnly { retry_after }
            | Self::StatementRefused { retry_after }
            | Self::SignUpFailed { retry_after }
            | Self::OrganizationSetupFailed { retry_after }
            | Self::DeletionFailed { retry_after } => Some(*retry_after),
            Self::SessionTokenIncomplete => Some(TOKEN_RETRY),
            _ => None,
        }
    }

    /// RFC 6750 section 3.1: a request without credentials gets no error code.
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::SignedOut => Some("Bearer"),
            Self::Refused(_) | Self::UserDeleted => Some(r#"Bearer error="invalid_token""#),
            _ => None,
        }
    }
}

impl From<Lacking> for Rejection {
    fn from(lacking: Lacking) -> Self {
        let retry_after = DATABASE_RETRY;
        if lacking.kind != RowKind::User {
            match lacking.failure {
                Failure::Conflict => return Self::OrganizationConflict,
                Failure::DataRefused => return Self::OrganizationDataRefused,
                Failure::RowUnreadable => return Self::OrganizationUnreadable,
                Failure::OnInsert => return Self::OrganizationSetupFailed { retry_after },
                _ => {}
            }
        }
        if matches!(
            lacking.error,
            SyncError::OrganizationDeleted | SyncError::MembershipEnded
        ) {
            return Self::Denied(Denied::OrganizationChanged);
        }
        match lacking.failure {
            Failure::UserDeleted => Self::UserDeleted,
            Failure::TokenIncomplete => Self::SessionTokenIncomplete,
            Failure::ClaimInvalid => Self::ClaimInvalid,
            Failure::OtherInstance => Self::Misconfigured,
            Failure::Conflict => Self::UserConflict,
            Failure::LinkConflict => Self::LinkConflict,
            Failure::OnInsert | Failure::OnLink => Self::SignUpFailed { retry_after },
            Failure::OnDelete => Self::DeletionFailed { retry_after },
            Failure::Outage | Failure::Timeout | Failure::NotAsked => {
                Self::DatabaseUnavailable { retry_after }
            }
            Failure::Busy => Self::DatabaseBusy { retry_after },
            Failure::ReadOnly => Self::DatabaseReadOnly { retry_after },
            Failure::DataRefused => Self::UserDataRefused,
            Failure::RowUnreadable => Self::UserUnreadable,
            Failure::StatementRefused => Self::StatementRefused { retry_after },
            Failure::ReferenceMissing => Self::DatabaseBusy { retry_after },
            // `OnEvent` concerns deliveries only, which `webhook` answers.
            Failure::OnEvent | Failure::Panic | Failure::Bug => Self::ServiceFailed,
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        let clerk_error = match &self {
            Self::Denied(denied) => denied.clerk_error(),
            _ => None,
        };
        // Clerk's front-end hook looks for `clerk_error` and ignores the rest.
        let mut document = problem::document(self.status(), self.code(), &self.to_string());
        if let Some(hint) = clerk_error {
            document["clerk_error"] = hint;
        }
        self.response(problem::CONTENT_TYPE, document.to_string())
    }
}
