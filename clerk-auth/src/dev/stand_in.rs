//! The stand-in itself: its configuration, and its routes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{self, get, post};
use serde::Deserialize;
use serde_json::Value;

use super::control;
use super::deliveries::Deliveries;
use super::frontend;
use super::instance::{Instance, Minter};
use super::local_only::local_only;
use super::packages::package_file;
use super::publishable_key::publishable_key;
use super::seed::Seed;
use crate::claim::TemplateClaim;
use crate::clerk::{Clerk, ConfigurationError, Variables, cookie_suffix};
use crate::http::address::{host, is_loopback};
use crate::http::origin::is_origin;
use crate::testing::Issuer;
use crate::testing::endpoints::{Endpoints, locked};
use crate::testing::organization_endpoints::{self, OrganizationSource};
use crate::webhook::WebhookVerifier;

/// A stand-in for Clerk on the application's own server, under `/dev`.
///
/// ```
/// # use clerk_auth::dev::StandIn;
/// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?;
/// let clerk = stand_in.clerk()?;
/// let app = axum::Router::<()>::new().nest("/dev", stand_in.router());
/// assert_eq!(clerk.issuer(), "http://127.0.0.1:3000/dev");
/// assert_eq!(stand_in.proxy_url(), "http://127.0.0.1:3000/dev/clerk");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StandIn {
    instance: Arc<Instance>,
}

/// The reason why a stand-in cannot be created.
///
/// ```
/// use clerk_auth::dev::{StandIn, StandInError};
///
/// let error = StandIn::new("http://0.0.0.0:3000", &[]).unwrap_err();
/// assert!(matches!(error, StandInError::NotLoopback(origin) if origin == "http://0.0.0.0:3000"));
/// ```
///
/// `Debug` prints the same text as `Display`, so that `main` can return the error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StandInError {
    /// The origin is reachable from other machines, or is not an origin.
    #[error(
        "the stand-in signs in anybody as anybody and runs on loopback only; `{0}` is not like `http://127.0.0.1:3000`"
    )]
    NotLoopback(String),
    /// The environment has the publishable key of a production instance.
    #[error(
        "CLERK_PUBLISHABLE_KEY is a live key, beside which the stand-in does not run; unset it, or use Clerk"
    )]
    LiveKey,
    /// The directory is malformed; the text names the place.
    #[error("the stand-in's directory cannot be used: {0}")]
    Directory(String),
}

impl fmt::Debug for StandInError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl StandIn {
    /// Creates a stand-in for the server at `origin`. Its tokens have the claims of `template` (`User::TEMPLATE`).
    ///
    /// # Errors
    ///
    /// [`StandInError::NotLoopback`] if `origin` is not `http://` and a loopback address;
    /// [`StandInError::LiveKey`] if `CLERK_PUBLISHABLE_KEY` is set to a live key other than the stand-in's own.
    pub fn new(origin: &str, template: &'static [TemplateClaim]) -> Result<Self, StandInError> {
        let variables = Variables::of_process();
        let stand_in = Self::beside(variables.get("CLERK_PUBLISHABLE_KEY"), origin, template)?;
        // A misspelt variable may mean that the operator expects Clerk.
        if let Err(error) = variables.check() {
            tracing::warn!("the stand-in runs instead of Clerk: {error}");
        }
        Ok(stand_in)
    }

    fn beside(
        environment_key: Option<&str>,
        origin: &str,
        template: &'static [TemplateClaim],
    ) -> Result<Self, StandInError> {
        let own_key = publishable_key(origin);
        if environment_key.is_some_and(|key| key.trim_start().starts_with("pk_live_") && key != own_key) {
            return Err(StandInError::LiveKey);
        }
        check_origin(origin)?;
        let issuer = Issuer::new(&format!("{origin}/dev"));
        Ok(Self {
            instance: Arc::new(Instance {
                endpoints: Endpoints::new(&issuer),
                issuer,
                origin: origin.to_owned(),
                cookie_suffix: cookie_suffix(&own_key),
                publishable_key: own_key,
                template,
                deliveries: Deliveries::to(origin),
                organizations: Mutex::default(),
                clients: Mutex::default(),
                settings: Mutex::default(),
            }),
        })
    }

    /// Adds claims about the active organization, or about the membership in it, to the tokens: `Organization::TEMPLATE`,
    /// `Membership::TEMPLATE`. Call it once for each struct. A session without an organization has none of these claims.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// use clerk_auth::dev::StandIn;
    /// use clerk_auth::{SyncedOrganization, SyncedRow};
    ///
    /// #[derive(SyncedOrganization)]
    /// #[synced_organization(table = "organizations", database(sqlite))]
    /// struct Organization {
    ///     clerk_id: String,
    ///     name: String,
    /// }
    ///
    /// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?.organization_template(Organization::TEMPLATE);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn organization_template(self, template: &'static [TemplateClaim]) -> Self {
        locked(&self.instance.settings)
            .organization_templates
            .push(template);
        self
    }

    /// Also accepts the tokens of a front end at another origin of this machine, such as `http://127.0.0.1:5173`. Pages
    /// under the server's own port need not be listed.
    ///
    /// ```
    /// # use clerk_auth::dev::StandIn;
    /// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?.front_end("http://127.0.0.1:5173")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StandInError::NotLoopback`] if `origin` is not `http://` and a loopback address.
    pub fn front_end(self, origin: &str) -> Result<Self, StandInError> {
        check_origin(origin)?;
        locked(&self.instance.settings).front_ends.push(origin.to_owned());
        Ok(self)
    }

    /// Serves Clerk's packages from this `node_modules` folder, so that front ends need no network. Clerk's packages
    /// for React and Next.js load their parts from the stand-in if their proxy URL is relative: `/dev/clerk`.
    ///
    /// ```
    /// # use clerk_auth::dev::StandIn;
    /// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?.packages("front-end/node_modules");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn packages(self, node_modules: impl Into<PathBuf>) -> Self {
        locked(&self.instance.settings).packages = Some(node_modules.into());
        self
    }

    /// Returns the publishable key for Clerk's front end. It is a production key, and differs from port to port.
    ///
    /// ```
    /// # use clerk_auth::dev::StandIn;
    /// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?;
    /// assert!(stand_in.publishable_key().starts_with("pk_live_"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publishable_key(&self) -> &str {
        &self.instance.publishable_key
    }

    /// Returns the address of the Frontend API: the proxy URL of Clerk's front end. A page that is opened under another
    /// name of the server, such as `localhost`, must use that name in the proxy URL too. Otherwise the page gets no
    /// cookies.
    pub fn proxy_url(&self) -> String {
        self.instance.proxy_url()
    }

    /// Sets the part of Clerk that mints the tokens of Clerk's front end from now on. The front end reads the setting
    /// when it loads.
    pub fn set_minter(&self, minter: Minter) {
        locked(&self.instance.settings).minter = minter;
    }

    /// Sets the lifetime of the tokens that Clerk's front end obtains from now on; whole seconds, 60 by default. The
    /// front end refreshes a token 17 seconds before its end.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        locked(&self.instance.settings).token_lifetime = seconds;
    }

    /// Replaces all users, organizations and memberships, and ends all sessions. Sends no webhooks. A user has the
    /// members of Clerk's Backend API, all but `id` optional, and `email` for one verified address.
    ///
    /// ```
    /// # use clerk_auth::dev::StandIn;
    /// use serde_json::json;
    ///
    /// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?;
    /// stand_in.set_directory(json!({
    ///     "users": [
    ///         { "id": "user_ada", "email": "ada@example.com", "first_name": "Ada" },
    ///         { "id": "user_bob", "public_metadata": { "role": "editor" } },
    ///     ],
    ///     "organizations": [
    ///         { "id": "org_acme", "name": "Acme", "members": [{ "user_id": "user_ada", "role": "org:admin" }] },
    ///     ],
    /// }))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StandInError::Directory`] names the first part that cannot be used; nothing is changed then.
    pub fn set_directory(&self, directory: Value) -> Result<(), StandInError> {
        let seed = Seed::deserialize(directory);
        let seed = seed.map_err(|error| StandInError::Directory(error.to_string()))?;
        self.instance
            .replace_directory(&seed)
            .map_err(StandInError::Directory)
    }

    /// Like [`set_directory`](Self::set_directory), from a JSON file.
    ///
    /// # Errors
    ///
    /// [`StandInError::Directory`] if the file cannot be read or used.
    pub fn load_directory(&self, file: impl AsRef<Path>) -> Result<(), StandInError> {
        let file = file.as_ref();
        let refused =
            |problem: &dyn fmt::Display| StandInError::Directory(format!("{}: {problem}", file.display()));
        let text = std::fs::read(file).map_err(|error| refused(&error))?;
        let seed: Seed = serde_json::from_slice(&text).map_err(|error| refused(&error))?;
        self.instance
            .replace_directory(&seed)
            .map_err(|problem| refused(&problem))
    }

    /// Builds a handle that accepts only the stand-in's tokens.
    ///
    /// # Errors
    ///
    /// Those of [`ClerkBuilder::build`](crate::clerk::ClerkBuilder::build).
    pub fn clerk(&self) -> Result<Clerk, ConfigurationError> {
        let instance = &*self.instance;
        let front_ends = locked(&instance.settings).front_ends.clone();
        Clerk::builder()
            .publishable_key(&instance.publishable_key)
            .issuer(instance.issuer.url())
            .jwt_key(instance.issuer.public_key_pem())
            .authorized_parties(names_of(&instance.origin).into_iter().chain(front_ends))
            .build()
    }

    /// Returns a verifier that accepts only the webhooks that the stand-in sends to `/webhooks/clerk` of the
    /// application.
    pub fn webhook_verifier(&self) -> WebhookVerifier {
        self.instance.deliveries.verifier()
    }

    /// Returns the stand-in's routes, to nest under `/dev`:
    ///
    /// | | |
    /// |---|---|
    /// | `/clerk/v1/…` | the Frontend API for Clerk's own JavaScript; any password works |
    /// | `GET /npm/@clerk/…` | Clerk's packages from the folder of [`packages`](Self::packages) |
    /// | `POST /token` | signs a user in without a browser: `{"token"}` |
    /// | `GET /.well-known/jwks.json` | the key |
    /// | `GET /v1/…` | the part of the Backend API that sync and import need; any secret key works |
    /// | `POST /users/{id}` | changes a user, and sends the application `user.created` or `user.updated` |
    /// | `DELETE /users/{id}` | deletes a user, and sends `user.deleted` |
    /// | `GET /sessions` | the sessions of Clerk's front end |
    /// | `DELETE /sessions/{id}` | ends a session, and sends `session.revoked`, or `session.ended` without a browser |
    /// | `POST /organizations/{id}` | changes an organization: `{"name", "slug"}` |
    /// | `DELETE /organizations/{id}` | deletes an organization |
    /// | `POST /organizations/{id}/members/{user_id}` | changes a membership: `{"role", "permissions"}` |
    /// | `DELETE /organizations/{id}/members/{user_id}` | ends a membership |
    /// | `POST /tickets` | `{"ticket"}`, with which a front end signs in as `{"user_id"}`; also `impersonator`, `agent`, `pending` |
    /// | `GET`, `POST /settings` | the minter, the lifetime of tokens, and whether the Backend API has organizations: `{"minter": "edge", "token_lifetime": 60, "organizations": false}` |
    /// | `GET`, `PUT /directory` | all users and organizations, in the form of [`set_directory`](Self::set_directory) |
    ///
    /// With `{"edge_of": "ey…"}`, `POST /token` mints a token as Clerk's edge does: a new token whose claims, and their
    /// age, are those of the earlier token.
    ///
    /// The body of a request that sends a webhook also describes the faults of the delivery: `{"webhook": {"delay": 2.5,
    /// "copies": 3, "hold": true}}`. `delay` is in seconds, and `hold` holds the delivery back until after the next.
    ///
    /// A request for a host other than `localhost` or a loopback address gets 421. A request from a page of another
    /// host gets 403.
    pub fn router(&self) -> Router {
        let instance = &self.instance;
        let member = "/organizations/{id}/members/{user_id}";
        Router::new()
            .route("/token", post(control::mint))
            .route(
                "/users/{id}",
                post(control::change_user).delete(control::delete_user),
            )
            .route("/sessions", get(control::sessions))
            .route("/sessions/{id}", routing::delete(control::end_session))
            .route(
                "/organizations/{id}",
                post(control::change_organization).delete(control::delete_organization),
            )
            .route(
                member,
                post(control::change_member).delete(control::delete_member),
            )
            .route("/tickets", post(control::create_ticket))
            .route("/settings", get(control::settings).post(control::change_settings))
            .route(
                "/directory",
                get(control::directory).put(control::replace_directory),
            )
            .route("/npm/{*path}", get(package_file))
            .route("/clerk/npm/{*path}", get(package_file))
            .with_state(Arc::clone(instance))
            .nest("/clerk", frontend::router(Arc::clone(instance)))
            .merge(instance.endpoints.router())
            .merge(organization_endpoints::router(
                Arc::clone(instance) as Arc<dyn OrganizationSource>
            ))
            // Without its own fallback, the nested router would use the application's for unknown paths, and so bypass
            // the layer.
            .fallback(async || StatusCode::NOT_FOUND)
            .layer(from_fn(local_only))
    }
}

fn check_origin(origin: &str) -> Result<(), StandInError> {
    let host = origin.strip_prefix("http://").and_then(host);
    match is_origin(origin) && host.is_some_and(is_loopback) {
        true => Ok(()),
        false => Err(StandInError::NotLoopback(origin.to_owned())),
    }
}

/// Returns the origins by which a browser on this machine reaches the server.
fn names_of(origin: &str) -> Vec<String> {
    let authority = origin.strip_prefix("http://").unwrap_or(origin);
    let port = &authority[host(authority).map_or(authority.len(), str::len)..];
    let mut names = vec![origin.to_owned()];
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let name = format!("http://{host}{port}");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl fmt::Debug for StandIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StandIn")
            .field("origin", &self.instance.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_in_runs_on_loopback_only_and_not_beside_a_live_key() {
        let own = publishable_key("http://127.0.0.1:3000");
        for (key, origin, accepted) in [
            (None, "http://127.0.0.1:3000", true),
            (None, "http://localhost", true),
            (None, "http://[::1]:8080", true),
            (Some("pk_test_x"), "http://127.0.0.1:3000", true),
            (Some("pk_live_x"), "http://127.0.0.1:3000", false),
            (Some(&*own), "http://127.0.0.1:3000", true),
            (Some(&*own), "http://127.0.0.1:3001", false),
            (None, "http://0.0.0.0:3000", false),
            (None, "https://127.0.0.1", false),
            (None, "http://127.0.0.1.example.com", false),
            (None, "http://localhost:80@example.com", false),
            (None, "http://localhost.example.com", false),
            (None, "http://LOCALHOST:3000", false),
            (None, "http://127.0.0.1:3000/", false),
            (None, "http://127.0.0.1:65536", false),
            (None, "http://2130706433:3000", false),
            (None, "http://[::ffff:127.0.0.1]:3000", false),
            (None, "http://[::]:3000", false),
        ] {
            assert_eq!(
                StandIn::beside(key, origin, &[]).is_ok(),
                accepted,
                "{key:?} {origin}"
            );
        }
    }
}
