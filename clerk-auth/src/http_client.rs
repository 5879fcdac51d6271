//! How the library asks over HTTP: straight to the address it was given, and saying why if there is no answer.

use std::error::Error;
use std::fmt::Write;
use std::net::IpAddr;

use reqwest::{Client, ClientBuilder, Url, redirect};

/// A client for one address. It follows no redirect, which would take a secret key elsewhere and keys from elsewhere.
pub(crate) fn http_client(url: &Url) -> ClientBuilder {
    let client = Client::builder().redirect(redirect::Policy::none());
    if is_loopback(url) {
        // What is on this machine is not reached through a proxy, which `HTTP_PROXY` without a `NO_PROXY` would ask.
        client.no_proxy()
    } else {
        client
    }
}

/// Whether the host is this machine, as far as its name tells.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Why a request failed: reqwest's own message leaves out what the operating system or TLS said.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut causes = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing into a text cannot fail.
        let _ = write!(causes, ": {cause}");
        source = cause.source();
    }
    causes
}
