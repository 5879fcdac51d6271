//! The page: a front end in plain HTML, CSS and JavaScript, and its sign-in configuration.

use std::path::Path;

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use clerk_auth::dev::StandIn;
use clerk_auth::routing::Router;

/// The folders that are searched for Clerk's npm packages.
const PACKAGES: [&str; 2] = ["node_modules", "example-app/node_modules"];

/// The page's own configuration: `/front-end.json`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FrontEnd {
    mode: &'static str,
    publishable_key: String,
    /// The address of the Frontend API, if it is not Clerk's own.
    proxy_url: Option<String>,
    /// True if the Frontend API serves Clerk's own JavaScript. Otherwise the page has a form for the stand-in.
    has_clerk_js: bool,
}

impl FrontEnd {
    /// Configures sign-in through the stand-in, with Clerk's JavaScript if that is installed.
    pub fn stand_in(stand_in: &StandIn, has_clerk_js: bool) -> Self {
        Self {
            mode: "stand-in",
            publishable_key: stand_in.publishable_key().to_owned(),
            // Relative, so that the page works under each name of this machine.
            proxy_url: Some("/dev/clerk".to_owned()),
            has_clerk_js,
        }
    }

    /// Configures sign-in through Clerk, which serves its JavaScript.
    pub fn clerk(publishable_key: String, proxy_url: Option<String>) -> Self {
        Self {
            mode: "clerk",
            publishable_key,
            proxy_url,
            has_clerk_js: true,
        }
    }

    /// Returns the route of the configuration.
    pub fn routes(self) -> Router {
        Router::new().public("/front-end.json", get(async move || Json(self)))
    }
}

/// Returns the folder with Clerk's JavaScript, if `npm install @clerk/clerk-js` was run.
pub fn packages() -> Option<&'static str> {
    PACKAGES.into_iter().find(|folder| {
        Path::new(folder)
            .join("@clerk/clerk-js/dist/clerk.browser.js")
            .is_file()
    })
}

/// Returns the routes of the page itself.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let file = |content_type: &'static str, text: &'static str| {
        get(async move || ([(CONTENT_TYPE, content_type)], text).into_response())
    };
    Router::new()
        .public("/", get(async || Html(include_str!("page/index.html"))))
        .public("/page.css", file("text/css", include_str!("page/page.css")))
        .public("/page.js", file("text/javascript", include_str!("page/page.js")))
}
