//! The source of Clerk's users for `import` and `verify`: Clerk, or the stand-in of a running example.

use std::net::SocketAddr;

use clerk_auth::Clerk;
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::clerk::ConfigurationError;
use example_app::config::{Config, SignIn};

/// The stand-in accepts any key.
const STAND_IN_KEY: &str = "sk_test_stand_in";

/// A Clerk instance that can list all of its users.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) clerk: Clerk,
    pub(crate) api: BackendApi,
    /// The number of users, if Clerk reports it.
    pub(crate) user_count: Option<u64>,
}

/// The reason why users cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Tokens can be verified without the key, but users cannot be listed.
    #[error(
        "CLERK_SECRET_KEY is missing; it is needed to list Clerk's users. Copy it from Clerk's dashboard (API keys)"
    )]
    NoSecretKey,
    /// The example with the stand-in is not running.
    #[error(
        "no stand-in for Clerk answers at http://{address}/dev ({problem}); start the example in another terminal with \
         `cargo run -p example-app` and the same LISTEN_ADDR, or set CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY to ask \
         Clerk"
    )]
    NoStandIn {
        address: SocketAddr,
        #[source]
        problem: BackendApiError,
    },
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(transparent)]
    Api(#[from] BackendApiError),
}

impl Source {
    /// Connects immediately, because an import would retry for a minute.
    pub(crate) async fn of(config: &Config) -> Result<Self, SourceError> {
        match config.sign_in {
            SignIn::Clerk => {
                let secret_key = std::env::var("CLERK_SECRET_KEY").unwrap_or_default();
                if secret_key.trim().is_empty() {
                    return Err(SourceError::NoSecretKey);
                }
                let clerk = Clerk::from_env()?;
                let api = BackendApi::from_env()?;
                // Only the progress bar uses the count. An error appears when the users are listed.
                let user_count = api.user_count().await.ok();
                Ok(Self {
                    clerk,
                    api,
                    user_count,
                })
            }
            SignIn::StandIn => {
                let address = config.address;
                let origin = format!("http://{address}");
                let url = format!("{origin}/dev");
                let clerk = Clerk::builder()
                    .issuer(&url)
                    .authorized_parties([origin])
                    .build()?;
                let api = BackendApi::with_base_url(&url, STAND_IN_KEY)?;
                let user_count = api
                    .user_count()
                    .await
                    .map_err(|problem| SourceError::NoStandIn { address, problem })?;
                Ok(Self {
                    clerk,
                    api,
                    user_count: Some(user_count),
                })
            }
        }
    }
}
