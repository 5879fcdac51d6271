//! Origins and issuers as browsers and tokens write them, and suggestions for values that never match.
//!
//! Values are compared with tokens byte for byte, so any other spelling would refuse every user.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::address::{host, is_loopback, is_safe};

/// Schemes whose pages have no origin, or that have no pages (HTML standard, "Origin"; Fetch standard, "Origin
/// header").
const WITHOUT_ORIGIN: [&str; 8] = ["about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"];

/// The characters that quote or separate values in lists copied from a shell, JSON, YAML or CSV.
const AROUND: [char; 17] = [
    '"', '\'', '`', '‘', '’', '“', '”', ',', ';', '|', '<', '>', '(', ')', '{', '}', '\\',
];

/// Returns whether a text is an origin as browsers send it: scheme, host and port (RFC 6454 section 6.2; URL standard,
/// "Host serializing"). The text is in lower case, in the canonical spelling and without the default port. Native
/// applications have schemes of their own.
pub(crate) fn is_origin(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(scheme, authority)| is_scheme(scheme) && is_authority(scheme, authority))
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && is_of(scheme, b"+-.")
        && !WITHOUT_ORIGIN.contains(&scheme)
}

fn is_authority(scheme: &str, authority: &str) -> bool {
    let Some(host) = host(authority) else {
        return false;
    };
    let is_port = match authority[host.len()..].strip_prefix(':') {
        None => true,
        Some(port) => !port.starts_with('0') && default_port(scheme) != Some(port),
    };
    let is_host = match scheme {
        "http" | "https" => is_web_host(host),
        _ => is_of(host, b"-._~"),
    };
    is_port && is_host
}

fn is_of(text: &str, further: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || further.contains(&byte))
}

fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" => Some("80"),
        "https" => Some("443"),
        _ => None,
    }
}

/// Returns whether a host is spelled as a browser spells it after parsing.
fn is_web_host(host: &str) -> bool {
    if host.starts_with('[') {
        return canonical_v6(host).is_some_and(|canonical| canonical == host);
    }
    let is_label = |label: &str| (1..=63).contains(&label.len()) && is_of(label, b"-_");
    let last = host.rsplit('.').next().unwrap_or_default();
    // URL standard, "Ends in a number checker": such a host is an IPv4 address or nothing.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253 && host.split('.').all(is_label) && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Formats an IPv6 address in brackets as browsers do: compressed, in lower case, without a dotted part.
fn canonical_v6(host: &str) -> Option<String> {
    let inside = host.strip_prefix('[')?.strip_suffix(']')?;
    let address: Ipv6Addr = inside.parse().ok()?;
    let [.., high, low] = address.segments();
    Some(match address.to_ipv4_mapped() {
        Some(_) => format!("[::ffff:{high:x}:{low:x}]"),
        None => format!("[{address}]"),
    })
}

/// Returns the origins that a text most likely means, in their canonical form; `None` if that would be a guess.
pub(crate) fn meant_origins(text: &str) -> Option<Vec<String>> {
    let text = ["\\r", "\\n", "\\t"]
        .iter()
        .fold(text.to_owned(), |text, escape| text.replace(escape, " "));
    let mut origins: Vec<String> = Vec::new();
    for piece in text.split(|letter: char| letter.is_whitespace() || AROUND.contains(&letter)) {
        let piece = without_list_brackets(piece);
        // A hyphen begins an item of a YAML list.
        if ["", "-"].contains(&piece) {
            continue;
        }
        let origin = meant_origin(piece)?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    (!origins.is_empty()).then_some(origins)
}

/// Removes the list's own brackets from a piece. The brackets of an IPv6 address come in pairs.
fn without_list_brackets(piece: &str) -> &str {
    let count = |piece: &str, bracket| piece.matches(bracket).count();
    let mut piece = piece;
    while piece.starts_with('[') && (piece.contains("://") || count(piece, '[') > count(piece, ']')) {
        piece = &piece[1..];
    }
    while piece.ends_with(']') && count(piece, ']') > count(piece, '[') {
        piece = &piece[..piece.len() - 1];
    }
    if piece == "[]" { "" } else { piece }
}

fn meant_origin(piece: &str) -> Option<String> {
    let (scheme, rest) = match piece.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, piece.trim_start_matches('/')),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let authority = authority.trim_end_matches([':', '.']);
    let host = host(authority)?;
    let scheme = match scheme {
        Some(scheme) => scheme,
        None if is_loopback(host) => "http".to_owned(),
        None if host.contains('.') => "https".to_owned(),
        None => return None,
    };
    let port = authority[host.len()..].trim_start_matches(':');
    let port = port.trim_start_matches('0');
    let host = canonical_v6(host).unwrap_or_else(|| host.trim_end_matches('.').to_owned());
    let origin = match port {
        "" => format!("{scheme}://{host}"),
        port if default_port(&scheme) == Some(port) => format!("{scheme}://{host}"),
        port => format!("{scheme}://{host}:{port}"),
    };
    is_origin(&origin).then_some(origin)
}

/// Explains to the operator why a text is not an origin.
pub(crate) fn fault(text: &str) -> &'static str {
    let text = text.trim();
    let authority = text.split_once("://").map(|(_, authority)| authority);
    if text.is_empty() {
        "it is empty"
    } else if text.contains('*') {
        "wildcards are not supported, list each origin"
    } else if text.starts_with('{') || text.starts_with('[') && !text.starts_with("[:") {
        "JSON is not supported, separate origins by commas"
    } else if text.contains(['"', '\'', '`', '‘', '’', '“', '”']) {
        "the quotes are part of the value"
    } else if text.contains(|letter: char| letter.is_whitespace() || ",;|\\".contains(letter)) {
        "each origin is compared as a whole, separate them by commas"
    } else if !text.is_ascii() {
        "browsers send a host in its ASCII form, `xn--…`"
    } else if authority.is_none() {
        "an origin begins with its scheme, such as `https://`"
    } else if authority.is_some_and(|authority| authority.contains(['/', '?', '#'])) {
        "an origin ends after the host and the port, without a path or a slash"
    } else if text.contains('@') {
        "an origin holds no user name"
    } else if text.contains(|letter: char| letter.is_ascii_uppercase()) {
        "browsers send origins in lower case"
    } else {
        "browsers do not send an origin in this form"
    }
}

/// Returns whether a URL can be the issuer in tokens: an origin, optionally with the path of a proxy.
pub(crate) fn is_issuer(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // A server on this machine may issue tokens with any configured issuer.
    let is_local = host(authority).is_some_and(is_loopback);
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && ![".", "..", ".well-known"].contains(&segment)
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%+@:".contains(&byte))
    };
    is_safe(url)
        && (is_local || is_origin(&format!("{scheme}://{authority}")) && is_instance(authority))
        && (path.is_empty() || path[1..].split('/').all(is_segment))
}

/// Returns whether a host can be an instance's Frontend API: it must be neither the Backend API nor an account portal.
fn is_instance(host: &str) -> bool {
    let is_portal = host.ends_with(".accounts.dev") && !host.ends_with(".clerk.accounts.dev");
    !is_portal && !["api.clerk.com", "api.clerk.dev", "dashboard.clerk.com"].contains(&host)
}

/// Returns the issuer that a text most likely means; `None` if that would be a guess.
pub(crate) fn meant_issuer(text: &str) -> Option<String> {
    let separators = |letter: char| letter.is_whitespace() || AROUND.contains(&letter);
    let mut pieces = text
        .split(separators)
        .map(without_list_brackets)
        .filter(|piece| !piece.is_empty());
    let (Some(piece), None) = (pieces.next(), pieces.next()) else {
        return None;
    };
    let origin = meant_origin(piece)?;
    let rest = piece.split_once("://").map_or(piece, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |start| &rest[start..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.split("/.well-known").next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut issuer = [vec![origin.as_str()], segments].concat().join("/");
    if !is_issuer(&issuer) {
        issuer = issuer.replace(".accounts.dev", ".clerk.accounts.dev");
    }
    is_issuer(&issuer).then_some(issuer)
}

#[cfg(test)]
mod tests;
