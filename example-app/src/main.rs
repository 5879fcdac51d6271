//! Reads the command line and the environment, opens the database and serves.

mod arguments;
mod link;
mod progress;
mod reconcile;
mod source;

use std::error::Error;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clerk_auth::Clerk;
use clerk_auth::SyncedRow;
use clerk_auth::dev::StandIn;
use clerk_auth::routing::{Router, webhooks};
use clerk_auth::template;
use clerk_auth::webhook::WebhookVerifier;
use example_app::config::{Config, DEFAULT_DATABASE, SignIn};
use example_app::database::{self, Database, DatabaseError, Location};
use example_app::observability::{observed, serve_metrics};
use example_app::organization::{Membership, Organization};
use example_app::page::{self, FrontEnd};
use example_app::user::User;
use example_app::{AppState, app, trials};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::arguments::{Arguments, Command};
use crate::progress::Progress;

/// The time for requests to finish after the process has received a stop signal. Shorter than the time after which
/// process managers kill. A client that never finishes its request does not delay the exit.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let command = Arguments::parse().into_command();
    let progress = Progress::hidden();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let log = progress.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(move || log.clone())
        .init();
    let is_done = match command {
        Command::Serve => serve().await.map(|()| true),
        Command::Import(options) => reconcile::import(&options, &progress).await.map(|()| true),
        Command::Verify { rows, json } => reconcile::verify(rows, json).await,
        Command::Link(options) => link::link(&options, &progress).await,
        Command::CheckTemplate { json } => check_template(json),
    };
    match is_done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("example-app: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Compares Clerk's template with the structs, and prints the differences. Returns whether the template is correct.
fn check_template(json: bool) -> Result<bool, Box<dyn Error>> {
    let pulled = std::io::read_to_string(std::io::stdin())?;
    let check = template::check_template(&pulled, &example_app::templates())?;
    if json {
        println!("{}", serde_json::to_string_pretty(&check)?);
    } else {
        println!("{check}");
    }
    Ok(check.ok)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    // Bound before the stand-in is created, so that the actual port is known if it is 0.
    let listener = TcpListener::bind(config.address).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; set LISTEN_ADDR to a free address",
            config.address
        )
    })?;
    let address = listener.local_addr()?;
    if let Some(address) = config.metrics_address {
        serve_metrics(address).map_err(|error| format!("cannot serve metrics on {address}: {error}"))?;
    }
    let (clerk, dev, verifier, front_end) = match config.sign_in {
        SignIn::Clerk => {
            let sends_webhooks =
                std::env::var("CLERK_WEBHOOK_SIGNING_SECRET").is_ok_and(|secret| !secret.trim().is_empty());
            let verifier = sends_webhooks.then(WebhookVerifier::from_env).transpose()?;
            let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
            let key = variable("CLERK_PUBLISHABLE_KEY").unwrap_or_default();
            let front_end = FrontEnd::clerk(key.trim().to_owned(), variable("CLERK_PROXY_URL"));
            (Clerk::from_env()?, axum::Router::new(), verifier, front_end)
        }
        SignIn::StandIn => {
            let mut stand_in = StandIn::new(&origin(address), User::TEMPLATE)?
                .organization_template(Organization::TEMPLATE)
                .organization_template(Membership::TEMPLATE);
            let packages = page::packages();
            if let Some(folder) = packages {
                stand_in = stand_in.packages(folder);
            }
            (
                stand_in.clerk()?,
                stand_in.router(),
                Some(stand_in.webhook_verifier()),
                FrontEnd::stand_in(&stand_in, packages.is_some()),
            )
        }
    };
    let database = database::open(&config.database_url).await?;
    let location = Location::of_url(&config.database_url)?;
    let deletions = match config.sign_in {
        SignIn::Clerk => None,
        SignIn::StandIn => Some(deletions(&database, &config.database_url, &location).await?),
    };
    let state = AppState::new(clerk, Database::clone(&database)).await?;
    let received = match verifier {
        Some(verifier) => Router::new().public("/webhooks/clerk", webhooks(&state.users, verifier)),
        None => Router::new(),
    };
    let tried = match config.sign_in {
        SignIn::Clerk => Router::new(),
        SignIn::StandIn => trials::routes(database),
    };
    println!("listening on {}", origin(address));
    println!("{location}");
    if let Some(deletions) = deletions {
        print!("{deletions}");
        print_invitation(&origin(address));
    }
    let (stopping, stopped) = oneshot::channel();
    let router = app(state)
        .merge(received)
        .merge(tried)
        .merge(front_end.routes())
        .public_nest("/dev", dev);
    let router = observed(router.into());
    let served = axum::serve(listener, router).with_graceful_shutdown(async {
        stop_signal().await;
        let _ = stopping.send(());
    });
    let out_of_time = async {
        let _ = stopped.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = served => served?,
        () = out_of_time => tracing::warn!("some requests did not finish in {} s", GRACE.as_secs()),
    }
    println!("stopped");
    Ok(())
}

/// Returns the origin of this server's pages. Browsers omit the default port of `http`.
fn origin(address: SocketAddr) -> String {
    match (address, address.port()) {
        (SocketAddr::V4(address), 80) => format!("http://{}", address.ip()),
        (SocketAddr::V6(address), 80) => format!("http://[{}]", address.ip()),
        _ => format!("http://{address}"),
    }
}

/// Admits users again whom an earlier stand-in has deleted, because this stand-in starts with them anew. Does so only
/// in the example's own file, because rows elsewhere may belong to Clerk's users. Returns the text to print.
async fn deletions(
    database: &Database,
    database_url: &str,
    location: &Location,
) -> Result<String, DatabaseError> {
    let failed = |problem| DatabaseError::Statement {
        location: location.clone(),
        problem,
    };
    let deleted = database.deleted_users().await.map_err(failed)?;
    if database_url == DEFAULT_DATABASE {
        database.forget_deletions().await.map_err(failed)?;
    }
    let users = deleted.join(", ");
    Ok(match deleted.len() {
        0 => String::new(),
        _ if database_url == DEFAULT_DATABASE => {
            format!("undone, because the stand-in begins anew: the deletion of {users}\n")
        }
        _ => format!(
            "marked as deleted in this database, and refused with 401 user_deleted: {users}\n\
             to sign them in again, use another DATABASE_URL\n"
        ),
    })
}

fn print_invitation(origin: &str) {
    println!("sign-in is a local stand-in: no account, no configuration, not for production");
    println!("try:");
    println!("  open {origin}/ (buttons: a removed member, a late webhook, a database that stops, and more)");
    if page::packages().is_none() {
        println!("for Clerk's own JavaScript on that page, install it and restart:");
        println!("  npm install --prefix example-app --no-save @clerk/clerk-js");
    }
    println!(
        r#"  TOKEN=$(curl -s {origin}/dev/token -d '{{"user_id":"user_ada","first_name":"Ada"}}' | sed 's/.*:"\(.*\)".*/\1/')"#
    );
    println!(r#"  curl -i {origin}/api/me -H "Authorization: Bearer $TOKEN""#);
    println!("webhooks report changes in Clerk:");
    println!(r#"  curl -s {origin}/dev/users/user_ada -d '{{"first_name":"Augusta"}}'"#);
    println!(
        "a deletion is final: the user's tokens are refused; a restart on the example's own file undoes it:"
    );
    println!(r#"  curl -s {origin}/dev/users/user_bob -d '{{"first_name":"Bob"}}'"#);
    println!("  curl -s -X DELETE {origin}/dev/users/user_bob");
    println!("an import finds users whose webhook did not arrive; this one is held back:");
    println!(
        r#"  curl -s {origin}/dev/users/user_grace -d '{{"first_name":"Grace","webhook":{{"hold":true}}}}'"#
    );
    println!("  cargo run -p example-app -- import");
}

/// Completes on ctrl-c, or on the SIGTERM that process managers send.
async fn stop_signal() {
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending();
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
