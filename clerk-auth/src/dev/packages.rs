//! Serves Clerk's packages from a `node_modules` folder under `/npm`, from which Clerk's front end loads its parts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Path as UrlPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::instance::Instance;
use crate::testing::endpoints::locked;

/// `GET /npm/@clerk/clerk-js@6/dist/clerk.browser.js`. The folder's version is served, whichever version is requested.
pub(super) async fn package_file(
    State(instance): State<Arc<Instance>>,
    UrlPath(path): UrlPath<String>,
) -> Response {
    let folder = locked(&instance.settings).packages.clone();
    let Some(file) = folder.as_deref().and_then(|folder| file_of(folder, &path)) else {
        return not_found();
    };
    let content_type = match file.extension().and_then(|extension| extension.to_str()) {
        Some("js" | "mjs") => "text/javascript",
        Some("css") => "text/css",
        _ => "application/json",
    };
    match tokio::task::spawn_blocking(move || std::fs::read(file)).await {
        Ok(Ok(content)) => ([(header::CONTENT_TYPE, content_type)], content).into_response(),
        _ => not_found(),
    }
}

/// Returns the file of a package of Clerk, or `None` if the path leaves the package.
fn file_of(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut segments = path.split('/');
    let scope = segments.next().filter(|scope| *scope == "@clerk")?;
    let package = segments.next()?;
    let name = package.split('@').next().unwrap_or_default();
    let mut file = folder.join(scope);
    for segment in std::iter::once(name).chain(segments) {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if segment.is_empty() || segment.starts_with('.') || !segment.chars().all(is_plain) {
            return None;
        }
        file.push(segment);
    }
    Some(file)
}

fn not_found() -> Response {
    const ADVICE: &str = "the stand-in has no such file of a package; install the package with `npm install @clerk/clerk-js` \
                          and name its `node_modules` folder in `StandIn::packages`\n";
    (StatusCode::NOT_FOUND, ADVICE).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_stays_inside_the_packages_of_clerk() {
        for (path, expected) in [
            (
                "@clerk/clerk-js@6/dist/clerk.browser.js",
                Some("m/@clerk/clerk-js/dist/clerk.browser.js"),
            ),
            (
                "@clerk/clerk-js/dist/x_1.js",
                Some("m/@clerk/clerk-js/dist/x_1.js"),
            ),
            ("@clerk/clerk-js@6/../../x", None),
            ("@clerk/../x", None),
            ("@clerk/@6/x", None),
            ("@clerk/clerk-js//x", None),
            ("@clerk/clerk-js/.env", None),
            ("@clerk/clerk-js/..\\x", None),
            ("@clerk/clerk-js/a:b", None),
            ("left-pad/index.js", None),
            ("", None),
        ] {
            let file = file_of(Path::new("m"), path);
            assert_eq!(file.as_deref(), expected.map(Path::new), "{path}");
        }
    }
}
