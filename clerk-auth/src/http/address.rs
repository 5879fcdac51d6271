//! The rules for addresses: which are this machine, and which are safe to fetch from.
//!
//! Parsers and resolvers disagree about unusual spellings (`127.1`, `2130706433`, `localhost.`, user information before
//! the host). All of these are rejected, so that no two parts of the library interpret an address differently.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::Uri;

/// Returns whether a host is this machine: `localhost`, or a loopback address as RFC 3986 section 3.2.2 spells it.
pub(crate) fn is_loopback(host: &str) -> bool {
    let is_v4 = |host: &str| host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback());
    let is_v6 = |host: &str| host.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback());
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => is_v6(host),
        None => host.eq_ignore_ascii_case("localhost") || is_v4(host),
    }
}

/// Returns the host of `host` or `host:port`; `None` if there is user information, or a port that is not a number.
pub(crate) fn host(authority: &str) -> Option<&str> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(end);
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (is_whole && !host.is_empty() && !authority.contains('@')).then_some(host)
}

/// Returns whether keys may be fetched from a URL, and secrets sent there. An unencrypted answer can be forged on the
/// way, so plain `http` must not leave this machine.
pub(crate) fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.authority().and_then(|authority| host(authority.as_str()));
    match (uri.scheme_str(), host) {
        // A fragment is never sent (RFC 9110 section 7.1), so it is a mistake, and would hide the appended path.
        _ if url.contains('#') => false,
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => is_loopback(host),
        _ => false,
    }
}

/// Formats a URL for a message: without user information, which may be a password.
pub(crate) fn redacted(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, rest)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://…@{rest}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts_are_recognized_in_their_usual_spelling_only() {
        for host in [
            "localhost",
            "LocalHost",
            "127.0.0.1",
            "127.255.255.254",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.",
            "127.0.0.1.",
            "app.localhost",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "127.1",
            "127.0.1",
            "127.0.0.01",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "0.0.0.0",
            "128.0.0.1",
            "192.168.0.1",
            "::1",
            "[::1",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::1%25lo]",
            "[127.0.0.1]",
            "[localhost]",
            "evil.com",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn host_is_separated_from_its_port() {
        for (authority, expected) in [
            ("localhost", Some("localhost")),
            ("localhost:3000", Some("localhost")),
            ("[::1]", Some("[::1]")),
            ("[::1]:3000", Some("[::1]")),
            ("", None),
            (":3000", None),
            ("localhost:", None),
            ("localhost:+80", None),
            ("localhost:http", None),
            ("localhost:65536", None),
            ("localhost:80:80", None),
            ("localhost:80@evil.com", None),
            ("user@localhost", None),
            ("evil.com@localhost", None),
            ("[::1", None),
            ("[::1]evil.com", None),
            ("::1", None),
        ] {
            assert_eq!(host(authority), expected, "{authority}");
        }
    }

    #[test]
    fn plain_http_is_safe_on_loopback_only() {
        for url in [
            "https://clerk.example.com",
            "HTTPS://clerk.example.com/jwks.json",
            "https://app.example.com:8443/__clerk",
            "http://127.0.0.1:3000/dev",
            "HTTP://127.0.0.1:3000/dev",
            "http://localhost",
            "http://LOCALHOST:8080/jwks",
            "http://[::1]:8080",
        ] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "",
            "https://",
            "https:///jwks",
            "https:clerk.example.com",
            "clerk.example.com",
            "//clerk.example.com",
            "/jwks",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "http://clerk.example.com",
            "HTTP://clerk.example.com",
            "hTTp://clerk.example.com/jwks",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "http://localhost:80@example.com/",
            "http://127.0.0.1@example.com",
            "http://example.com@127.0.0.1",
            "https://user:password@clerk.example.com",
            "http://example.com#@127.0.0.1",
            "http://127.0.0.1#@example.com",
            "http://example.com?@127.0.0.1",
            r"http://127.0.0.1\@example.com",
            r"http://example.com\@127.0.0.1",
            "http://local\nhost.example.com",
            "http://127.0.0.1\t.example.com",
            " http://127.0.0.1",
            "http://127.0.0.1%2eexample.com",
            "http://2130706433",
            "http://0x7f.1",
            "http://127.1",
            "http://0.0.0.0:3000",
            "http://0",
            "http://[::]:3000",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:10.0.0.1]",
            "http://localhost.",
            "https://clerk.example.com:port/jwks.json",
            "https://clerk.example.com:99999/jwks.json",
            "https://clerk.example.com#",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn password_in_a_url_is_not_printed() {
        for (url, expected) in [
            ("http://clerk.example.com", "http://clerk.example.com"),
            (
                "https://user:secret@clerk.example.com/a",
                "https://…@clerk.example.com/a",
            ),
            (
                "https://user:sec@ret@clerk.example.com",
                "https://…@clerk.example.com",
            ),
            ("user:secret@clerk.example.com", "://…@clerk.example.com"),
        ] {
            assert_eq!(redacted(url), expected);
        }
    }
}
