//! Records each request of the browser and its answer in a transcript, without a secret.

use std::fmt::Write;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::browser::output_folder;

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    /// The text in the transcript.
    line: String,
}

/// The exchanges of one scenario, in the order of the answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript(Arc<Mutex<Vec<Exchange>>>);

impl Transcript {
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().expect("no test panics with the lock").clone()
    }

    /// Returns the statuses of the answers to requests for a path.
    pub(crate) fn statuses(&self, path: &str) -> Vec<u16> {
        let exchanges = self.exchanges();
        let of_path = exchanges.iter().filter(|exchange| exchange.path == path);
        of_path.map(|exchange| exchange.status).collect()
    }

    /// Waits until this many requests for a path are answered. Returns the statuses.
    pub(crate) async fn until(&self, path: &str, count: usize) -> Vec<u16> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let statuses = self.statuses(path);
            if statuses.len() >= count {
                return statuses;
            }
            assert!(
                Instant::now() < deadline,
                "{count} requests for {path}: {statuses:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn push(&self, exchange: Exchange) {
        self.0
            .lock()
            .expect("no test panics with the lock")
            .push(exchange);
    }

    /// Writes the transcript of a scenario to a file in `target`.
    pub(crate) fn write(&self, scenario: &str) {
        let folder = output_folder().join("transcript");
        fs::create_dir_all(&folder).expect("the folder can be made");
        let lines: Vec<String> = self
            .exchanges()
            .into_iter()
            .map(|exchange| exchange.line)
            .collect();
        fs::write(folder.join(format!("{scenario}.txt")), lines.join("\n") + "\n")
            .expect("the folder can be written");
    }
}

/// Records requests to the application, the Frontend API and the webhooks' route, without pages and scripts.
pub(crate) async fn record(transcript: State<Transcript>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_of_interest = ["/api/", "/dev/clerk/v1/", "/webhooks/"]
        .iter()
        .any(|prefix| path.starts_with(prefix));
    if is_of_interest {
        record_all(transcript, request, next).await
    } else {
        next.run(request).await
    }
}

/// Records every request.
pub(crate) async fn record_all(
    State(transcript): State<Transcript>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let asked = described(&request);
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let mut line = format!("{method} {asked}\n    -> {status}");
    for (name, label) in [
        ("x-user-sync", "x-user-sync"),
        ("access-control-allow-origin", "allow-origin"),
    ] {
        if let Some(value) = response.headers().get(name) {
            let _ = write!(line, "  {label}: {}", value.to_str().unwrap_or("?"));
        }
    }
    let set: Vec<&str> = texts(response.headers(), &header::SET_COOKIE)
        .map(|cookie| cookie.split(';').next().unwrap_or_default())
        .map(|pair| match pair.split_once('=') {
            Some((_, "0")) => pair,
            Some((name, _)) => name,
            None => pair,
        })
        .collect();
    if !set.is_empty() {
        let _ = write!(line, "  set-cookie: {}", set.join(", "));
    }
    transcript.push(Exchange {
        method,
        path,
        status,
        line,
    });
    response
}

fn described(request: &Request) -> String {
    let headers = request.headers();
    let mut text = request.uri().path().to_owned();
    // The query of every request contains versions of clerk-js.
    let query = request.uri().query().unwrap_or_default().split('&');
    let query: Vec<&str> = query.filter(|pair| pair.starts_with("_method=")).collect();
    if !query.is_empty() {
        let _ = write!(text, "?{}", query.join("&"));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let _ = write!(text, "  origin: {}", origin.to_str().unwrap_or("?"));
    }
    if headers.contains_key(header::AUTHORIZATION) {
        text.push_str("  authorization: Bearer");
    }
    let mut names: Vec<&str> = texts(headers, &header::COOKIE)
        .flat_map(|cookies| cookies.split("; "))
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .collect();
    names.sort_unstable();
    if !names.is_empty() {
        let _ = write!(text, "\n    cookie: {}", names.join(", "));
    }
    text
}

fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
}
