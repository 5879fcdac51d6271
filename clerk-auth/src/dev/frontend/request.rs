//! A request of Clerk's front end: its intended method, its parameters and its browser.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use reqwest::Url;

use super::answer::Refusal;

/// The longest body in bytes; those of front ends are short forms.
const MAX_BODY: usize = 1_000_000;

/// A request, read completely.
pub(super) struct FrontendRequest {
    pub(super) method: Method,
    /// The segments of the path after `/v1`.
    pub(super) path: Vec<String>,
    /// The parameters of the form in the body.
    form: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    /// The value of the cookie that names the browser.
    pub(super) client: Option<String>,
    /// The values of `__client_uat`, with the suffix and without.
    pub(super) updated_at: [Option<String>; 2],
    /// The origin of the page.
    pub(super) party: Option<String>,
}

impl FrontendRequest {
    /// Reads a request to the stand-in whose cookies end in this suffix.
    pub(super) async fn read(request: Request, suffix: &str) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY).await;
        let body = body.map_err(|_| Refusal::malformed("the body could not be read completely"))?;
        let query = pairs(parts.uri.query().unwrap_or_default());
        // Safari drops cookies from preflighted requests, so clerk-js sends every other method as POST.
        let method = match query.get("_method") {
            Some(method) if parts.method == Method::POST => {
                let method = method.parse();
                method.map_err(|_| Refusal::malformed("`_method` is not a method"))?
            }
            _ => parts.method,
        };
        let path = parts.uri.path().trim_matches('/').split('/').map(str::to_owned);
        Ok(Self {
            method,
            path: path.collect(),
            form: pairs(&String::from_utf8_lossy(&body)),
            query,
            client: cookie(&parts.headers, &format!("__client_{suffix}")),
            updated_at: [
                cookie(&parts.headers, "__client_uat"),
                cookie(&parts.headers, &format!("__client_uat_{suffix}")),
            ],
            party: party(&parts.headers),
        })
    }

    /// Returns a parameter of the form. An empty parameter is null in a form.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.form
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns whether the form has this parameter, even as null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.form.contains_key(name)
    }

    /// Returns the session that clerk-js adds to paths without a session.
    pub(super) fn session_id(&self) -> Option<&str> {
        self.query.get("_clerk_session_id").map(String::as_str)
    }
}

/// Parses `application/x-www-form-urlencoded`.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut url = Url::parse("http://localhost").expect("it is a URL");
    url.set_query(Some(text));
    url.query_pairs().into_owned().collect()
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

/// Returns the origin of the page: `Origin`, or the host, because browsers omit `Origin` from a GET to the page's own
/// origin.
fn party(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        Some(origin) => Some(origin.to_owned()),
        None => text(header::HOST).map(|host| format!("http://{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_decoded() {
        let form = pairs("identifier=ada%40example.com&password=a+b%26c&first_name=%C3%89va#x&empty=");
        assert_eq!(form["identifier"], "ada@example.com");
        assert_eq!(form["password"], "a b&c");
        assert_eq!(form["first_name"], "Éva#x");
        assert_eq!(form["empty"], "");
    }

    #[test]
    fn page_of_the_own_origin_is_named_by_the_host() {
        let headers = |pairs: &[(header::HeaderName, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), value.parse().expect("a value")))
                .collect::<HeaderMap>()
        };
        let host = (header::HOST, "localhost:3000");
        assert_eq!(
            party(&headers(std::slice::from_ref(&host))).as_deref(),
            Some("http://localhost:3000")
        );
        let other = (header::ORIGIN, "http://localhost:5173");
        assert_eq!(
            party(&headers(&[host, other])).as_deref(),
            Some("http://localhost:5173")
        );
    }
}
