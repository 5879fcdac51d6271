//! A button of the page that simulates an outage of the database.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use clerk_auth::routing::Router;

use crate::database::Database;
use crate::problem::Problem;

/// The longest outage.
const MAX_OUTAGE: Duration = Duration::from_secs(30);

/// The duration of the outage.
#[derive(Debug, serde::Deserialize)]
struct Outage {
    seconds: u64,
}

/// Returns the routes. Mount them only with the stand-in, because anyone may call them. A page of another site cannot
/// send JSON without a preflight request, which is refused.
pub fn routes(database: Database) -> Router {
    Router::new()
        .public("/trials/outage", post(outage))
        .with_state(database)
}

/// Starts an outage. Answers once no request can reach the database.
async fn outage(State(database): State<Database>, Json(outage): Json<Outage>) -> Result<StatusCode, Problem> {
    let outage = Duration::from_secs(outage.seconds).min(MAX_OUTAGE);
    database.take_all_connections(outage).await?;
    Ok(StatusCode::NO_CONTENT)
}
