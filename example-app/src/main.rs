//! Reads the command line and the environment, opens the database and serves.

mod arguments;
mod progress;
mod reconcile;
mod source;

use std::error::Error;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clerk_auth::Clerk;
use clerk_auth::SyncedUser;
use clerk_auth::dev::StandIn;
use clerk_auth::routing::{Router, webhooks};
use clerk_auth::webhook::WebhookVerifier;
use example_app::config::{Config, SignIn};
use example_app::database::Database;
use example_app::user::User;
use example_app::{AppState, app};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::arguments::{Command, USAGE};
use crate::progress::Progress;

/// What requests under way have to finish once the process is told to stop: less than process managers wait before they
/// kill, and a client that never finishes its request holds nothing up.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    let command = match Command::read(arguments.map(|argument| argument.to_string_lossy().into_owned())) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("example-app: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
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
        Command::Verify { json } => reconcile::verify(json).await,
        Command::Help => {
            println!("{USAGE}");
            Ok(true)
        }
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

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    // Bound before the stand-in is made, so that a port of 0 is known by then.
    let listener = TcpListener::bind(config.address).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; set LISTEN_ADDR to a free address",
            config.address
        )
    })?;
    let address = listener.local_addr()?;
    let (clerk, dev, verifier) = match config.sign_in {
        SignIn::Clerk => {
            let sends_webhooks =
                std::env::var("CLERK_WEBHOOK_SIGNING_SECRET").is_ok_and(|secret| !secret.trim().is_empty());
            let verifier = sends_webhooks.then(WebhookVerifier::from_env).transpose()?;
            (Clerk::from_env()?, axum::Router::new(), verifier)
        }
        SignIn::StandIn => {
            let stand_in = StandIn::new(&format!("http://{address}"), User::TEMPLATE)?;
            (
                stand_in.clerk()?,
                stand_in.router(),
                Some(stand_in.webhook_verifier()),
            )
        }
    };
    let database = Database::open(&config.database_url).await?;
    let users = database.users(clerk.clone()).await?;
    let received = match verifier {
        Some(verifier) => Router::new().public("/webhooks/clerk", webhooks(&users, verifier)),
        None => Router::new(),
    };
    let state = AppState {
        clerk,
        users,
        database,
    };
    print_invitation(address, config.sign_in);
    let (stopping, stopped) = oneshot::channel();
    let router = app(state).merge(received).public_nest("/dev", dev);
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

fn print_invitation(address: SocketAddr, sign_in: SignIn) {
    println!("listening on http://{address}");
    if sign_in == SignIn::Clerk {
        return;
    }
    println!("sign-in is a local stand-in: no account, no configuration, not for production");
    println!("try:");
    println!("  open http://{address}/");
    println!(
        r#"  TOKEN=$(curl -s http://{address}/dev/token -d '{{"user_id":"user_ada","first_name":"Ada"}}' | sed 's/.*:"\(.*\)".*/\1/')"#
    );
    println!(r#"  curl -i http://{address}/api/me -H "Authorization: Bearer $TOKEN""#);
    println!("webhooks tell the application what changes in Clerk:");
    println!(r#"  curl -s http://{address}/dev/users/user_ada -d '{{"first_name":"Augusta"}}'"#);
    println!("  curl -s -X DELETE http://{address}/dev/users/user_ada");
    println!("an import finds those of whom nothing was told, here because their webhook is held back:");
    println!(
        r#"  curl -s http://{address}/dev/users/user_grace -d '{{"first_name":"Grace","webhook":{{"hold":true}}}}'"#
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
