//! While a handler runs, its request holds no connection of the pool.

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{Request, StatusCode};
use clerk_auth::{Clerk, UserSync, authenticated, routing};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, issuer, token};
use tower::ServiceExt;

on_both_databases!(handler_can_take_the_only_connection);

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<AlwaysRead>,
    pool: Pool,
}

#[authenticated]
async fn people(_user: AlwaysRead, State(pool): State<Pool>) -> String {
    pool.number("SELECT count(*) FROM profiles").await.to_string()
}

async fn handler_can_take_the_only_connection(database: TestDatabase) {
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem())
        .build()
        .expect("the configuration is right");
    let pool = Pool::open(database.url(), 1).await;
    let users = match &pool {
        Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
    };
    let users = users.expect("the table fits");
    let app = routing::Router::new()
        .route("/people", routing::get(people))
        .with_state(AppState { clerk, users, pool });
    // A new user; then one who is wrongly expected to be new; then unchanged, as most requests are; then changed.
    for (name, updated_at) in [("Ada", 5), ("Ada", 5), ("Ada", 5), ("Grace", 6)] {
        let bearer = format!("Bearer {}", token("user_ada", name, updated_at).sign());
        let request = Request::get("/people").header("authorization", bearer);
        let request = request.body(Body::empty()).expect("it is a request");
        let answer = app.clone().oneshot(request).await.expect("it answers");
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
    }
}
