//! The environment variables, and the checks of their combinations.

use std::net::SocketAddr;

/// The default address on which the application listens, overridden by `LISTEN_ADDR`.
const DEFAULT_ADDRESS: &str = "127.0.0.1:3000";

/// The database that is used if `DATABASE_URL` is not set: a file in the working directory.
pub const DEFAULT_DATABASE: &str = "sqlite:example-app.sqlite";

const CLERK_VARIABLES: [&str; 7] = [
    "CLERK_PUBLISHABLE_KEY",
    "CLERK_SECRET_KEY",
    "CLERK_JWT_KEY",
    "CLERK_AUTHORIZED_PARTIES",
    "CLERK_API_URL",
    "CLERK_PROXY_URL",
    "CLERK_WEBHOOK_SIGNING_SECRET",
];

/// The configuration of the application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// `LISTEN_ADDR`.
    pub address: SocketAddr,
    /// `DATABASE_URL`.
    pub database_url: String,
    /// `METRICS_ADDR`: the address on which metrics are served, if any.
    pub metrics_address: Option<SocketAddr>,
    /// The source of sessions.
    pub sign_in: SignIn,
}

/// The source of sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignIn {
    /// The local stand-in: no Clerk variable is set.
    StandIn,
    /// A Clerk instance, described by the Clerk variables.
    Clerk,
}

/// A fault in the environment.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// `LISTEN_ADDR` is not an address.
    #[error("LISTEN_ADDR is `{0}`, which is not an address; use something like `127.0.0.1:3000`")]
    Address(String),
    /// `METRICS_ADDR` is not an address.
    #[error(
        "METRICS_ADDR is `{0}`, which is not an address; use something like `127.0.0.1:9000`, or unset it"
    )]
    MetricsAddress(String),
    /// Some Clerk variables are set, but not enough.
    #[error(
        "{} set, but CLERK_PUBLISHABLE_KEY is missing; copy it from Clerk's dashboard (API keys), or unset every \
         CLERK_ variable to use the local stand-in",
        list(.0)
    )]
    MissingPublishableKey(Vec<&'static str>),
    /// A publishable key alone is not enough to verify tokens.
    #[error(
        "CLERK_PUBLISHABLE_KEY is set, but both CLERK_SECRET_KEY and CLERK_JWT_KEY are missing; copy one of them from \
         Clerk's dashboard (API keys), or unset every CLERK_ variable to use the local stand-in"
    )]
    MissingKey,
    /// A live key without the other settings, with which the stand-in does not run.
    #[error(
        "CLERK_PUBLISHABLE_KEY is a live key, beside which the local stand-in does not run, and both CLERK_SECRET_KEY \
         and CLERK_JWT_KEY are missing; copy one of them from Clerk's dashboard (API keys)"
    )]
    LiveKeyAlone,
    /// The stand-in, which signs in anybody as anybody, would be reachable from other machines.
    #[error(
        "LISTEN_ADDR is `{0}`, which other machines can reach, and no CLERK_ variable is set; the local stand-in signs \
         in anybody as anybody and listens on loopback only: set CLERK_PUBLISHABLE_KEY, or listen on 127.0.0.1"
    )]
    StandInReachable(SocketAddr),
}

fn list(variables: &[&str]) -> String {
    let verb = if variables.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", variables.join(", "))
}

impl Config {
    /// Reads the variables through `variable`, so that a test need not change the process environment. An empty
    /// variable counts as not set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the variable and the value to set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let address = variable("LISTEN_ADDR").unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
        let address: SocketAddr = address.parse().map_err(|_| ConfigError::Address(address))?;
        let metrics_address = variable("METRICS_ADDR")
            .map(|address| address.parse().map_err(|_| ConfigError::MetricsAddress(address)))
            .transpose()?;
        let set: Vec<&'static str> = CLERK_VARIABLES
            .into_iter()
            .filter(|name| variable(name).is_some())
            .collect();
        let sign_in = match set.first() {
            None if !address.ip().is_loopback() => return Err(ConfigError::StandInReachable(address)),
            None => SignIn::StandIn,
            Some(_) if !set.contains(&"CLERK_PUBLISHABLE_KEY") => {
                return Err(ConfigError::MissingPublishableKey(set));
            }
            Some(_) if !set.contains(&"CLERK_SECRET_KEY") && !set.contains(&"CLERK_JWT_KEY") => {
                let live = variable("CLERK_PUBLISHABLE_KEY")
                    .is_some_and(|key| key.trim_start().starts_with("pk_live_"));
                return Err(if live {
                    ConfigError::LiveKeyAlone
                } else {
                    ConfigError::MissingKey
                });
            }
            Some(_) => SignIn::Clerk,
        };
        Ok(Self {
            address,
            database_url: variable("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE.to_owned()),
            metrics_address,
            sign_in,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn empty_environment_starts_the_stand_in_on_loopback() {
        let config = read(&[]).expect("no variable is needed");
        assert_eq!(config.sign_in, SignIn::StandIn);
        assert_eq!(config.address.to_string(), DEFAULT_ADDRESS);
        assert_eq!(config.database_url, DEFAULT_DATABASE);
    }

    #[test]
    fn empty_variable_is_not_set() {
        let config = read(&[("CLERK_SECRET_KEY", ""), ("DATABASE_URL", " ")]).expect("nothing is set");
        assert_eq!(config.sign_in, SignIn::StandIn);
    }

    #[test]
    fn metrics_are_served_at_the_configured_address() {
        assert_eq!(read(&[]).expect("no variable is needed").metrics_address, None);
        let config = read(&[("METRICS_ADDR", "127.0.0.1:9000")]).expect("an address");
        assert_eq!(config.metrics_address, "127.0.0.1:9000".parse().ok());
        let error = read(&[("METRICS_ADDR", "9000")]).expect_err("no address");
        assert_eq!(error, ConfigError::MetricsAddress("9000".to_owned()));
    }

    #[test]
    fn some_but_not_enough_names_what_is_missing() {
        for (set, missing) in [
            ("CLERK_SECRET_KEY", "CLERK_PUBLISHABLE_KEY"),
            ("CLERK_JWT_KEY", "CLERK_PUBLISHABLE_KEY"),
            ("CLERK_AUTHORIZED_PARTIES", "CLERK_PUBLISHABLE_KEY"),
            ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_PUBLISHABLE_KEY"),
            ("CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY"),
        ] {
            let message = read(&[(set, "x")]).expect_err(set).to_string();
            assert!(message.starts_with(set), "{message}");
            assert!(message.contains(&format!("{missing} ")), "{message}");
        }
    }

    #[test]
    fn live_key_alone_does_not_start_the_stand_in() {
        let message = read(&[("CLERK_PUBLISHABLE_KEY", "pk_live_x")])
            .expect_err("not enough")
            .to_string();
        assert!(message.contains("stand-in does not run"), "{message}");
    }

    #[test]
    fn publishable_key_with_either_key_is_clerk() {
        for key in ["CLERK_SECRET_KEY", "CLERK_JWT_KEY"] {
            let config = read(&[("CLERK_PUBLISHABLE_KEY", "pk_test_x"), (key, "x")]).expect(key);
            assert_eq!(config.sign_in, SignIn::Clerk);
        }
    }

    #[test]
    fn stand_in_is_not_offered_to_other_machines() {
        let error = read(&[("LISTEN_ADDR", "0.0.0.0:3000")]).expect_err("reachable");
        assert!(matches!(error, ConfigError::StandInReachable(_)), "{error}");
    }
}
