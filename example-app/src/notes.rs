//! Notes: the application's own rows, which reference `users.id`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clerk_auth::authenticated;

use crate::database::Database;
use crate::problem::Problem;
use crate::user::User;

/// The first note of every user.
pub(crate) const WELCOME: &str = "Welcome! This note was written in the transaction that inserted your row.";

/// A row of `notes`.
#[derive(Debug, serde::Serialize, sqlx::FromRow)]
pub struct Note {
    id: i64,
    user_id: i64,
    body: String,
}

/// The body of a new note.
#[derive(Debug, serde::Deserialize)]
pub struct NewNote {
    pub(crate) body: String,
}

/// Returns the notes of the signed-in user, newest first.
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
    let note = database.write_note(user.id, note.body).await?;
    Ok((StatusCode::CREATED, Json(note)))
}
