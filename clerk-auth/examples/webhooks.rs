//! Clerk's webhooks update the rows of users who send no request, and the application adds its own work to an event.
//!
//! ```text
//! export CLERK_PUBLISHABLE_KEY=pk_test_… CLERK_WEBHOOK_SIGNING_SECRET=whsec_…
//! cargo run -p clerk-auth --example webhooks --features sqlite,testing
//! ```

use std::error::Error;

use axum::extract::FromRef;
use clerk_auth::routing::{Router, get, webhooks};
use clerk_auth::webhook::{Event, WebhookVerifier};
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync, authenticated};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Sqlite};

#[derive(Clone, Debug, SyncedUser)]
#[synced_user(table = "users", database(sqlite), allow(unused_claims))]
struct User {
    clerk_id: String,
    email: Option<String>,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated]
async fn me(user: User) -> String {
    format!("{}: {:?}", user.clerk_id, user.email)
}

async fn app(clerk: Clerk, pool: SqlitePool, verifier: WebhookVerifier) -> Result<Router, Box<dyn Error>> {
    let users = UserSync::<User>::builder(clerk.clone(), pool)
        // Runs in the transaction that applies the event. An error undoes both, and Clerk sends the event again.
        .on_event(|connection, delivery| {
            Box::pin(async move {
                if let Event::OrganizationCreated(organization) = &delivery.event {
                    sqlx::query("INSERT INTO teams (clerk_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING")
                        .bind(organization.id.as_str().to_owned())
                        .bind(organization.name.clone())
                        .execute(connection)
                        .await?;
                }
                Ok(())
            })
        })
        .build()
        .await?;
    Ok(Router::new()
        .route("/me", get(me))
        .public("/webhooks/clerk", webhooks(&users, verifier))
        .with_state(AppState { clerk, users }))
}

/// Opens a database that ends with the process. An application has a file, and migrations.
async fn database() -> sqlx::Result<SqlitePool> {
    let options = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    let pool = options.connect("sqlite::memory:").await?;
    let users = User::migration_sql::<Sqlite>();
    let teams = "CREATE TABLE teams (clerk_id TEXT PRIMARY KEY, name TEXT NOT NULL)";
    sqlx::raw_sql(AssertSqlSafe(users)).execute(&pool).await?;
    sqlx::query(teams).execute(&pool).await?;
    Ok(pool)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(
        Clerk::from_env()?,
        database().await?,
        WebhookVerifier::from_env()?,
    )
    .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://127.0.0.1:3000");
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode, header::AUTHORIZATION};
    use clerk_auth::testing::{Issuer, SignedDelivery, event, user_object};
    use clerk_auth::time::{Clock, SystemClock};
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[tokio::test]
    async fn deliveries_write_rows_and_a_deletion_ends_tokens() -> Result<(), Box<dyn Error>> {
        let issuer = Issuer::new("https://clerk.example.com");
        let pool = database().await?;
        let verifier = WebhookVerifier::new(SECRET.parse()?);
        let app = axum::Router::from(app(issuer.clerk(), pool.clone(), verifier).await?);
        let now = SystemClock.now();
        let ada = user_object("user_ada", now);
        let organization = json!({ "object": "organization", "id": "org_1", "name": "Acme", "slug": "acme",
            "created_at": now.as_millis(), "updated_at": now.as_millis() });
        let token = issuer.token("user_ada").template(User::TEMPLATE, &ada).sign();
        let read = async || {
            let request = Request::get("/me").header(AUTHORIZATION, format!("Bearer {token}"));
            Ok::<_, Box<dyn Error>>(app.clone().oneshot(request.body(Body::empty())?).await?.status())
        };

        for (event_type, data) in [
            ("user.created", ada.clone()),
            ("organization.created", organization),
        ] {
            let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
            let response = app.clone().oneshot(delivery.request("/webhooks/clerk")).await?;
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
        }
        for (query, value) in [
            ("SELECT email FROM users", "ada@example.com"),
            ("SELECT name FROM teams", "Acme"),
        ] {
            let found: String = sqlx::query_scalar(query).fetch_one(&pool).await?;
            assert_eq!(found, value);
        }
        assert_eq!(read().await?, StatusCode::OK);

        let gone = json!({ "object": "user", "id": "user_ada", "deleted": true });
        let delivery = SignedDelivery::new(SECRET, &event("user.deleted", gone, now), now);
        app.clone().oneshot(delivery.request("/webhooks/clerk")).await?;
        assert_eq!(read().await?, StatusCode::UNAUTHORIZED);
        Ok(())
    }
}
