//! Notes: rows of the application's own that reference `users.id`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clerk_auth::authenticated;

use crate::database::Database;
use crate::problem::Problem;
use crate::user::User;

/// A row of `notes`.
#[derive(Debug, serde::Serialize, sqlx::FromRow)]
pub struct Note {
    id: i64,
    user_id: i64,
    body: String,
}

/// A note to be written.
#[derive(Debug, serde::Deserialize)]
pub struct NewNote {
    body: String,
}

/// The notes of the signed-in user, newest first.
#[authenticated]
pub async fn list(user: User, State(database): State<Database>) -> Result<Json<Vec<Note>>, Problem> {
    Ok(Json(database.notes_of(user.id).await?))
}

/// Writes a note for the signed-in user.
#[authenticated]
pub async fn create(
    user: User,
    State(database): State<Database>,
    Json(note): Json<NewNote>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    let note = database.write_note(user.id, &note.body).await?;
    Ok((StatusCode::CREATED, Json(note)))
}

impl Database {
    async fn notes_of(&self, user_id: i64) -> sqlx::Result<Vec<Note>> {
        const SQL: &str = "SELECT id, user_id, body FROM notes WHERE user_id = $1 ORDER BY id DESC";
        match self {
            Self::Postgres(pool) => sqlx::query_as(SQL).bind(user_id).fetch_all(pool).await,
            Self::Sqlite(pool) => sqlx::query_as(SQL).bind(user_id).fetch_all(pool).await,
        }
    }

    async fn write_note(&self, user_id: i64, body: &str) -> sqlx::Result<Note> {
        const SQL: &str = "INSERT INTO notes (user_id, body) VALUES ($1, $2) RETURNING id, user_id, body";
        match self {
            Self::Postgres(pool) => sqlx::query_as(SQL).bind(user_id).bind(body).fetch_one(pool).await,
            Self::Sqlite(pool) => sqlx::query_as(SQL).bind(user_id).bind(body).fetch_one(pool).await,
        }
    }
}
