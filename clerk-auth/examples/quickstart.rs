//! A guarded route that returns the signed-in user's row, on SQLite. The stand-in for Clerk needs no account.
//!
//! ```text
//! cargo run -p clerk-auth --example quickstart --features dev,sqlite
//! TOKEN=$(curl -s http://127.0.0.1:3000/dev/token -d '{"user_id":"user_ada","first_name":"Ada"}' | sed 's/.*:"\(.*\)".*/\1/')
//! curl -i http://127.0.0.1:3000/me -H "Authorization: Bearer $TOKEN"
//! ```

use std::error::Error;

use axum::extract::FromRef;
use axum::{Json, routing};
use clerk_auth::dev::StandIn;
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync, authenticated};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Sqlite};

#[derive(Clone, Debug, serde::Serialize, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: String,
    #[column(app)]
    credits: i64,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated]
async fn me(user: User) -> Json<User> {
    Json(user)
}

async fn app(clerk: Clerk, pool: SqlitePool) -> Result<Router, Box<dyn Error>> {
    let users = UserSync::new(clerk.clone(), pool).await?;
    Ok(Router::new()
        .route("/me", get(me))
        .public("/healthz", routing::get(async || "ok"))
        .with_state(AppState { clerk, users }))
}

/// Opens a database that ends with the process. An application has a file, and migrations.
async fn database() -> sqlx::Result<SqlitePool> {
    let options = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    let pool = options.connect("sqlite::memory:").await?;
    let sql = User::migration_sql::<Sqlite>();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await?;
    Ok(pool)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stand_in = StandIn::new("http://127.0.0.1:3000", User::TEMPLATE)?;
    let app = app(stand_in.clerk()?, database().await?)
        .await?
        .public_nest("/dev", stand_in.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://127.0.0.1:3000");
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode, header::AUTHORIZATION};
    use clerk_auth::testing::{Issuer, user_object};
    use clerk_auth::time::{Clock, SystemClock};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn signed_in_user_gets_their_row_and_a_visitor_does_not() -> Result<(), Box<dyn Error>> {
        let issuer = Issuer::new("https://clerk.example.com");
        let app = axum::Router::from(app(issuer.clerk(), database().await?).await?);
        let mut ada = user_object("user_ada", SystemClock.now());
        ada["first_name"] = "Ada".into();
        let token = issuer.token("user_ada").template(User::TEMPLATE, &ada).sign();

        let request = Request::get("/me").header(AUTHORIZATION, format!("Bearer {token}"));
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), 10_000).await?;
        let user: serde_json::Value = serde_json::from_slice(&body)?;
        assert_eq!(user["email"], "ada@example.com");
        assert_eq!(
            (&user["first_name"], &user["credits"]),
            (&"Ada".into(), &0.into())
        );

        let visitor = Request::get("/me").body(Body::empty())?;
        let response = app.oneshot(visitor).await?;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        Ok(())
    }
}
