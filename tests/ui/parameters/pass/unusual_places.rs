#![deny(warnings)]
#![allow(dead_code)]

use std::sync::Arc;

use axum::extract::State;
use clerk_auth::routing::{MethodRouter, Router, delete, get, post};
use clerk_auth::{Clerk, Session, SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

struct Handlers;

impl Handlers {
    const ADMIN: &'static str = "org:admin";

    #[authenticated]
    async fn whoami(session: Session) -> String {
        session.user_id().to_string()
    }

    #[authenticated]
    async fn without_a_user() {}

    #[authenticated(role = "org:admin")]
    async fn remove(_: Session) {}

    #[authenticated(role = Self::ADMIN, agent = "allow")]
    async fn rename() {}
}

trait Reports {
    #[authenticated(any(role = "org:admin", plan = "pro"))]
    async fn report(_: Session) {}
}

impl Reports for Handlers {}

struct Listed<T>(T);

impl<T: Default + Send + 'static> Listed<T> {
    #[authenticated(permission = "org:billing:manage")]
    async fn list(_: Session) {
        drop(Self(T::default()));
    }
}

macro_rules! handler {
    ($name:ident, $first:ty, $role:literal) => {
        #[authenticated(role = $role)]
        async fn $name(_: $first) {}
    };
}

handler!(administrator, Session, "org:admin");
handler!(with_state, State<Clerk>, "org:member");

#[authenticated]
async fn optional(_user: Option<Arc<User>>) {}

#[authenticated]
async fn with_inner_attributes(session: Session) -> String {
    #![allow(unused_variables)]
    let unused = 0;
    session.user_id().to_string()
}

fn local() -> MethodRouter<Clerk> {
    const ADMIN: &str = "org:admin";

    #[authenticated(role = ADMIN)]
    async fn handler() {}

    post(handler)
}

pub(crate) fn main() {
    let _: Router<Clerk> = Router::new()
        .route("/me", get(Handlers::whoami).merge(local()))
        .route("/", get(Handlers::without_a_user))
        .route("/account", delete(Handlers::remove).patch(Handlers::rename))
        .route("/report", get(Handlers::report))
        .route("/list", get(Listed::<u8>::list))
        .route("/inner", get(with_inner_attributes))
        .route("/administrator", get(administrator).merge(post(with_state)));
    let _ = optional;
}
