#![deny(warnings)]
#![allow(dead_code)]

use std::borrow::Cow;
use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequestParts, Path, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Json, debug_handler};
use clerk_auth::{Clerk, Session, authenticated};

#[derive(serde::Deserialize, serde::Serialize)]
struct Note {
    text: String,
}

#[derive(Clone)]
struct Mailer;

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    mailer: Mailer,
}

/// An extractor for only one state. The macro checks nothing of a state that is not named.
struct Tenant;

impl FromRequestParts<AppState> for Tenant {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

enum Problem {
    Missing,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        StatusCode::NOT_FOUND.into_response()
    }
}

type Reply<T> = Result<Json<T>, Problem>;

#[authenticated]
async fn unknown_state(_: Session, _tenant: Tenant, State(_mailer): State<Mailer>, Json(_note): Json<Note>) {}

#[authenticated(state = AppState)]
async fn known_state(_: Session, _tenant: Tenant, State(_mailer): State<Mailer>, _body: Bytes) {}

#[authenticated]
async fn state_in_a_parameter(_: Session, State(_state): State<AppState>, _mailer: State<Mailer>, _: Request) {}

#[authenticated]
async fn without_a_user(Path(id): Path<u64>, RawQuery(query): RawQuery, _: HeaderMap, body: String) -> String {
    format!("{id} {} {body}", query.is_some())
}

#[authenticated(state = AppState)]
async fn units(_: Session, _nothing: (), _both: (HeaderMap, Path<u64>)) {}

/// A parameter named `user` that is an extractor of the application's own.
#[authenticated]
async fn change(_: Session, user: Tenant) {
    drop(user);
}

#[authenticated]
async fn text(_: Session) -> &'static str {
    ""
}

#[authenticated]
async fn borrowed(_: Session) -> Cow<'static, str> {
    "".into()
}

#[authenticated]
async fn reply(_: Session) -> Reply<Note> {
    Err(Problem::Missing)
}

#[authenticated]
async fn result(_: Session) -> Result<(StatusCode, Json<Note>), (StatusCode, String)> {
    Err((StatusCode::NOT_FOUND, String::new()))
}

#[authenticated]
async fn any_error(_: Session) -> axum::response::Result<Html<String>> {
    Err(Problem::Missing)?
}

#[authenticated]
async fn opaque(_: Session) -> impl IntoResponse {
    Redirect::to("/")
}

#[authenticated]
async fn partly_opaque(_: Session) -> Result<impl IntoResponse, Problem> {
    Ok::<_, Problem>("")
}

/// The parameter has the name of the function.
#[authenticated]
async fn session(session: Session) -> String {
    session.user_id().to_string()
}

#[authenticated]
#[debug_handler(state = AppState)]
async fn debugged(_: Session, State(_mailer): State<Mailer>) -> Json<u64> {
    Json(1)
}

#[axum::debug_handler(state = AppState)]
#[authenticated]
async fn debugged_outside(_: Session, State(_mailer): State<Mailer>) -> Json<u64> {
    Json(1)
}

struct Handlers;

impl Handlers {
    #[authenticated]
    async fn own(_: Session) -> Self {
        Self
    }

    #[authenticated]
    async fn state(_: Session, State(_mailer): State<Mailer>) -> Result<Self, Problem> {
        Ok(Self)
    }

    /// Has two attributes above, of which one is a condition.
    #[cfg(any(test, not(test)))]
    #[authenticated]
    async fn r#in(_: Session, State(_mailer): State<Mailer>) {}
}

/// A future that depends on a generic parameter is checked where the handler is mounted.
struct Holding<T>(T);

impl<T: Default> Holding<T> {
    #[allow(dead_code)]
    #[authenticated]
    async fn held(_: Session) {
        let held = Self(T::default());
        std::future::ready(()).await;
        drop(held);
    }
}

impl IntoResponse for Handlers {
    fn into_response(self) -> Response {
        StatusCode::OK.into_response()
    }
}

macro_rules! in_an_impl {
    ($($handler:item)*) => {
        struct Others;
        impl Others {
            $($handler)*
        }
    };
}

in_an_impl! {
    #[authenticated]
    async fn mentioned_nowhere_else(_session: Session) -> String {
        String::new()
    }
}

macro_rules! in_another_impl {
    ($($handler:item)*) => {
        impl Handlers {
            $($handler)*
        }
    };
}

#[rustfmt::skip]
in_another_impl!(
    #[authenticated]
    async fn mentioned_nowhere_else(_session: Session) -> String {
        String::new()
    }
);

macro_rules! handler {
    ($name:ident, $reply:ty) => {
        #[authenticated]
        async fn $name(_: Session) -> $reply {
            Default::default()
        }
    };
}

handler!(from_a_macro, String);
handler!(from_a_macro_without_a_reply, ());

pub(crate) fn main() {}
