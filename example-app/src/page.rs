//! The page: a front end in plain HTML, CSS and JavaScript, and what it has to know about sign-in.

use std::path::Path;

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use clerk_auth::dev::StandIn;
use clerk_auth::routing::Router;

/// The folders in which Clerk's packages of npm are looked for.
const PACKAGES: [&str; 2] = ["node_modules", "example-app/node_modules"];

/// The page's own configuration: `/front-end.json`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FrontEnd {
    mode: &'static str,
    publishable_key: String,
    /// The address of the Frontend API, if it is not Clerk's own.
    proxy_url: Option<String>,
    /// Clerk's own JavaScript is at the address of the Frontend API. Without it, the page has a form for the stand-in.
    has_clerk_js: bool,
}

impl FrontEnd {
    /// Signs in through the stand-in, by Clerk's JavaScript if that is installed.
    pub fn stand_in(stand_in: &StandIn, has_clerk_js: bool) -> Self {
        Self {
            mode: "stand-in",
            publishable_key: stand_in.publishable_key().to_owned(),
            // Relative, so that the page works under each name of this machine.
            proxy_url: Some("/dev/clerk".to_owned()),
            has_clerk_js,
        }
    }

    /// Signs in through Clerk, which serves its JavaScript.
    pub fn clerk(publishable_key: String, proxy_url: Option<String>) -> Self {
        Self {
            mode: "clerk",
            publishable_key,
            proxy_url,
            has_clerk_js: true,
        }
    }

    /// The route of the configuration.
    pub fn routes(self) -> Router {
        Router::new().public("/front-end.json", get(async move || Json(self)))
    }
}

/// Returns the folder with Clerk's JavaScript beside the application, if `npm install @clerk/clerk-js` was run there.
pub fn packages() -> Option<&'static str> {
    PACKAGES.into_iter().find(|folder| {
        Path::new(folder)
            .join("@clerk/clerk-js/dist/clerk.browser.js")
            .is_file()
    })
}

/// The routes of the page itself.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let file = |content_type: &'static str, text: &'static str| {
        get(async move || ([(CONTENT_TYPE, content_type)], text).into_response())
    };
    Router::new()
        .public("/", get(async || Html(include_str!("page/index.html"))))
        .public("/page.css", file("text/css", include_str!("page/page.css")))
        .public("/page.js", file("text/javascript", include_str!("page/page.js")))
}
